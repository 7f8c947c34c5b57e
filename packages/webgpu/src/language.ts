/** Whether this WGSL compiler has `workgroupUniformLoad` of an atomic, which was added to the language in 2025. */
export async function hasUniformAtomics(gpu: GPUDevice): Promise<boolean> {
  gpu.pushErrorScope("validation");
  gpu.createShaderModule({ label: "bn language", code: CODE });
  return (await gpu.popErrorScope()) === null;
}

const CODE = `
var<workgroup> flag: atomic<u32>;
@compute @workgroup_size(1) fn main() {
  if (workgroupUniformLoad(&flag) != 0u) {
    workgroupBarrier();
  }
}`;
