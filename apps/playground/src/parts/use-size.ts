import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** How a drawing fills its place. */
export interface Size {
  /** In units of the drawing. */
  readonly width: number;
  /** CSS pixels of a unit: text of a drawing grows with the page's on large screens. */
  readonly scale: number;
}

/** The size of an element without padding, and again whenever it changes. */
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
