import type { ComponentChildren } from "preact";

interface ScrollProps {
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/**
 * A region that may be wider than the page. It scrolls on its own and can be focused, so that the keyboard can scroll
 * it.
 */
export function Scroll({ label, children, ...more }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without a tab stop nobody scrolls it by keyboard
    <section class={`scroll ${more.class ?? ""}`} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
