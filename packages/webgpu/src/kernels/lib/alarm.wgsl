// Whether any thread of the workgroup has a sum that may be beyond the range of f32. Such sums are recomputed. All
// threads then meet at barriers, so every thread must know the answer, and it must be uniform. With ALONE there are no
// barriers, and each thread answers for itself.
#if !ALONE
var<workgroup> alarm: atomic<u32>;
#if !UNIFORM_ATOMICS
var<workgroup> alarmCopy: u32;
#endif
#endif

// 2^117: the sums of 1024 lanes below this limit can be joined without overflow.
const ALARMING = 0x7a000000u;

#if ALONE
fn shelve(mine: vec2f, local: u32) {
  shelf = mine;
}

fn alarmed(local: u32) -> u32 {
  let bits = bitcast<vec2u>(shelf) & vec2u(0x7fffffffu);
  return select(0u, 1u, max(bits.x, bits.y) >= ALARMING);
}
#else
// Puts a lane's share on the shelf, and raises the alarm if the total may not be finite.
fn shelve(mine: vec2f, local: u32) {
  shelf[local] = mine;
  let bits = bitcast<vec2u>(mine) & vec2u(0x7fffffffu);
  if (max(bits.x, bits.y) >= ALARMING) {
    atomicStore(&alarm, 1u);
  }
}

// Waits at a barrier, and returns whether the alarm was raised before it.
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
#endif
