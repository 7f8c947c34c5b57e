// What one thread of a workgroup finds and all must know: that a sum may be beyond the range of f32 and is recomputed, or that
// a second pass is needed. All threads then meet at barriers, so the answer must be uniform. With ALONE there are no barriers,
// and each thread answers for itself.
#if ALONE
var<private> alarm: u32;
#else
var<workgroup> alarm: atomic<u32>;
#if !UNIFORM_ATOMICS
var<workgroup> alarmCopy: u32;
#endif
#endif

const OVERFLOW = 1u;
const AGAIN = 2u;

fn alert(what: u32) {
#if ALONE
  alarm |= what;
#else
  atomicOr(&alarm, what);
#endif
}

// 2^117: the sums of 1024 lanes below this limit can be joined without overflow.
const ALARMING = 0x7a000000u;

fn isAlarming(sums: Sums) -> bool {
  let a = bitcast<Bits>(sums[0]) & Bits(0x7fffffffu);
  let b = bitcast<Bits>(sums[1]) & Bits(0x7fffffffu);
  return any(max(a, b) >= Bits(ALARMING));
}

#if ALONE
fn alarmed(local: u32) -> u32 {
  return alarm;
}
#else
// Waits at a barrier, and returns what the threads were alerted to before it.
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

// Puts a lane's share on the shelf, and raises the alarm if the total may not be finite.
fn shelve(mine: Sums, local: u32) {
#if ALONE
  shelf = mine;
#else
  shelf[local] = mine;
#endif
  if (isAlarming(mine)) {
    alert(OVERFLOW);
  }
}
