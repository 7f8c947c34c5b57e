// Two sums per channel. The kernel defines `operands(channel)`, which returns a pair, `term`, `terms` (the
// same in wide arithmetic) and `store(channel, sums)`. The terms of the second sum are multiplied by BIAS, so that
// products of small numbers do not underflow.
const BIAS = 0x1p52;

// The exponents of the terms of each channel, or of the largest ones.
#if COEF4
alias Ints = vec4i;
#else
alias Ints = i32;
#endif
struct Exponents {
  a: Ints,
  b: Ints,
}

// The terms of the unit's value `j`, as those of its channel. With COEF4 the others, which have channels of their own, are
// left out.
struct Terms {
  exponents: Exponents,
  a: Coef,
  b: Coef,
}

fn termsOf(at: u32, j: u32, k: Operands) -> Terms {
  let t = terms(at, j, k);
#if COEF4
  let mine = vec4u(0u, 1u, 2u, 3u) == vec4u(j);
  let none = vec4i(ZERO_EXPONENT);
  let exponents = Exponents(select(none, vec4i(t.a.e), mine), select(none, vec4i(t.b.e), mine));
  return Terms(exponents, select(vec4f(), vec4f(t.a.m), mine), select(vec4f(), vec4f(t.b.m), mine));
#else
  return Terms(Exponents(t.a.e, t.b.e), t.a.m, t.b.m);
#endif
}

fn higher(a: Exponents, b: Exponents) -> Exponents {
  return Exponents(max(a.a, b.a), max(a.b, b.b));
}

// The exponents of the largest terms. Every thread of the workgroup must call this function.
fn greatest(here: Place, end: u32, k: Operands, local: u32) -> Exponents {
  var top = Exponents(Ints(ZERO_EXPONENT), Ints(ZERO_EXPONENT));
  for (var i = here.lane; i < end; i += LANES) {
    let at = unitAt(here.channel, i);
    for (var j = 0u; j < WIDTH; j += 1u) {
      top = higher(top, termsOf(at, j, k).exponents);
    }
  }
#if !ALONE
  workgroupBarrier();
  shelf[local] = Sums(Coef(top.a), Coef(top.b));
  workgroupBarrier();
  for (var other = 0u; other < LANES; other += 1u) {
    let theirs = shelf[local - here.lane * STRIDE + other * STRIDE];
    top = higher(top, Exponents(Ints(theirs[0]), Ints(theirs[1])));
  }
  workgroupBarrier();
#endif
  return top;
}

// A lane's share of the sums of wide terms, times 2^-top.
fn lowShare(here: Place, end: u32, k: Operands, top: Exponents) -> Sums {
  var sum = Long();
  var i = here.lane;
  while (i < end) {
    var block = Sums();
    for (var n = 0u; n < 16u && i < end; n += 1u) {
      let at = unitAt(here.channel, i);
      var unit = Sums();
      for (var j = 0u; j < WIDTH; j += 1u) {
        let t = termsOf(at, j, k);
        unit = unit + Sums(loweredAll(t.a, t.exponents.a - top.a), loweredAll(t.b, t.exponents.b - top.b));
      }
      block = block + unit;
      i += LANES;
    }
    sum = add(sum, block);
  }
  return whole(sum);
}

fn loweredAll(m: Coef, e: Ints) -> Coef {
#if COEF4
  return Coef(lowered(m.x, e.x), lowered(m.y, e.y), lowered(m.z, e.z), lowered(m.w, e.w));
#else
  return lowered(m, e);
#endif
}

fn narrowAll(m: Coef, e: Ints) -> Coef {
#if COEF4
  return Coef(narrow(Wide(m.x, e.x)), narrow(Wide(m.y, e.y)), narrow(Wide(m.z, e.z)), narrow(Wide(m.w, e.w)));
#else
  return narrow(Wide(m, e));
#endif
}

// Joins the sums of a channel, and stores them. Sums that f32 could not hold are recomputed in wide numbers. Every thread of the
// workgroup must call this function, and all lanes of a channel get its result.
fn result(here: Place, k: Operands, share: Sums, local: u32) -> Sums {
  var mine = share;
  var sums = Sums();
  var top = Exponents();
  for (var turn = 0u; turn < 2u; turn += 1u) {
    shelve(mine, local);
    let alarm = alarmed(local);
    let total = tree(local, here.lane);
    if (turn == 0u) {
      sums = Sums(total[0], total[1] * (1.0 / BIAS));
      if (alarm == 0u) {
        break;
      }
      let end = select(p.units, 0u, here.channel >= p.channels || all(areFinite(sums)));
      top = greatest(here, end, k, local);
      mine = lowShare(here, end, k, top);
    } else {
      let again = Sums(narrowAll(total[0], top.a), narrowAll(total[1], top.b));
      sums = Sums(select(again[0], sums[0], isFinite(sums[0])), select(again[1], sums[1], isFinite(sums[1])));
    }
  }
  if (here.lane == 0u && here.channel < p.channels) {
    store(here.channel, sums);
  }
  return sums;
}
