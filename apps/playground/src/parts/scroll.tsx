import type { ComponentChildren } from "preact";

interface ScrollProps {
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** What may be wider than the page: it scrolls by itself, by keyboard too, for which it has to take the focus. */
export function Scroll({ label, children, ...more }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without a tab stop nobody scrolls it by keyboard
    <section class={`scroll ${more.class ?? ""}`} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
