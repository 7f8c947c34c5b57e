/** K-5. y = x * gamma [+ beta]: the map of normalize.ts without mean and variance, which rounds each operation. Bound: N-8. */
import { normalize } from "./normalize";

export function scale<T>(x: usize, outer: u32, channels: u32, inner: u32, gamma: usize, beta: usize, y: usize): void {
  normalize<T>(x, outer, channels, inner, 0, 0, 0, gamma, beta, y);
}
