// sum dy and sum dy * x^ of each channel (K-3), with D_GAMMA or D_BETA added to the gradients as well. The input is dy.
#include params
#include unit
#include grad-sums
#include parts
#include sums-entries

@group(0) @binding(1) var<storage, read> input: array<Value>;
@group(0) @binding(2) var<storage, read> x: array<Value>;
@group(0) @binding(3) var<storage, read> mean: array<Coef>;
@group(0) @binding(4) var<storage, read> variance: array<Coef>;
@group(0) @binding(5) var<storage, read_write> sumDy: array<Coef>;
@group(0) @binding(6) var<storage, read_write> sumDyXhat: array<Coef>;
#if D_GAMMA
@group(0) @binding(7) var<storage, read_write> dGamma: array<Coef>;
#endif
#if D_BETA
@group(0) @binding(8) var<storage, read_write> dBeta: array<Coef>;
#endif
