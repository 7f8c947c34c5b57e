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

fn isAlarming(sums: Sums) -> bool {
  let a = bitcast<Bits>(sums[0]) & Bits(0x7fffffffu);
  let b = bitcast<Bits>(sums[1]) & Bits(0x7fffffffu);
  return any(max(a, b) >= Bits(ALARMING));
}

#if ALONE
fn shelve(mine: Sums, local: u32) {
  shelf = mine;
}

fn alarmed(local: u32) -> u32 {
  return select(0u, 1u, isAlarming(shelf));
}
#else
// Puts a lane's share on the shelf, and raises the alarm if the total may not be finite.
fn shelve(mine: Sums, local: u32) {
  shelf[local] = mine;
  if (isAlarming(mine)) {
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
