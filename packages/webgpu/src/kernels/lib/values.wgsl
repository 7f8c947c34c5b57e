// The values of a unit and of its channels' operands, one by one.
#if VEC4
const WIDTH = 4u; // values per unit
#else
const WIDTH = 1u;
#endif
#if COEF4
const OF_CHANNEL = 1u; // values of a channel per unit
#else
const OF_CHANNEL = WIDTH;
#endif

fn one(v: Value, j: u32) -> f32 {
#if VEC4
  return v[j];
#else
  return v;
#endif
}

// The operand for value `j` of a unit.
fn operandOf(v: Coef, j: u32) -> f32 {
#if COEF4
  return v[j];
#else
  return v;
#endif
}
