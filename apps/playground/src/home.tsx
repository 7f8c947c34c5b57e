import { Facts } from "./facts/facts.tsx";
import { PANELS } from "./panels.ts";
import { hashOf } from "./route.ts";

export function Home({ unknown }: { readonly unknown: string }) {
  return (
    <>
      {unknown !== "" && (
        <p class="note" role="status">
          There is no panel "{unknown}". These are here:
        </p>
      )}
      <p class="lead">
        BatchNorm and Scale as Caffe defines them, in JavaScript, WebAssembly and WebGPU. This page runs the packages
        themselves: test them, watch them, time them, and look into a model of yours.
      </p>
      <ul class="cards panels">
        {PANELS.map(({ id, title, what }) => (
          <li key={id}>
            <a href={hashOf(id)}>
              <h2>{title}</h2>
              <p>{what}</p>
            </a>
          </li>
        ))}
      </ul>
      <h2>This browser</h2>
      <Facts />
    </>
  );
}
