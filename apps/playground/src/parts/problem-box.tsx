import type { Problem } from "./problem.ts";

export function ProblemBox({ problem }: { readonly problem: Problem }) {
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      <p class="said">{problem.text}</p>
      <p>{problem.cure}</p>
    </div>
  );
}

export function ProblemBoxes({ problems }: { readonly problems: readonly Problem[] }) {
  return problems.map((one) => <ProblemBox key={one.title} problem={one} />);
}
