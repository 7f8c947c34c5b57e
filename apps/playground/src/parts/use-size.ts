import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** The size of a drawing in its place. */
export interface Size {
  /** The width in units of the drawing. */
  readonly width: number;
  /** CSS pixels per unit: on large screens the text of a drawing grows with the page's. */
  readonly scale: number;
}

/** The size of an element without padding, which is updated when it changes. */
export function useSize(ref: RefObject<HTMLElement | null>, first: number): Size {
  const [size, setSize] = useState<Size>({ width: first, scale: 1 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const scale = Math.max(1, Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);
      setSize({ width: element.clientWidth / scale, scale });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
