// sum dy and sum dy * x^ of each channel (K-3), with D_GAMMA or D_BETA added to the gradients as well. The input is dy.
#include params
#include unit
#include grad-sums
#include parts
#include sums-steps
#include entry
