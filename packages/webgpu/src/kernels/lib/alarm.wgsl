// Whether any thread of the workgroup has a sum that f32 may not hold. Sums that it cannot hold are taken again; all threads
// meet there at barriers, so that all must know, and the answer must be uniform.
var<workgroup> alarm: atomic<u32>;
#if !UNIFORM_ATOMICS
var<workgroup> alarmCopy: u32;
#endif

// 2^117: 1024 lanes of less join without overflow.
const ALARMING = 0x7a000000u;

// Puts a lane's share on the shelf, and raises the alarm if the whole may not be finite.
fn shelve(mine: vec2f, local: u32) {
  shelf[local] = mine;
  let bits = bitcast<vec2u>(mine) & vec2u(0x7fffffffu);
  if (max(bits.x, bits.y) >= ALARMING) {
    atomicStore(&alarm, 1u);
  }
}

// A barrier, and whether the alarm was raised before it.
fn alarmed(local: u32) -> u32 {
#if UNIFORM_ATOMICS
  return workgroupUniformLoad(&alarm);
#else
  workgroupBarrier();
  if (local == 0u) {
    alarmCopy = atomicLoad(&alarm);
  }
  return workgroupUniformLoad(&alarmCopy);
#endif
}
