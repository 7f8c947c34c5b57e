import { browserText, environment, systemText } from "./environment.ts";

export function Facts() {
  return (
    <dl class="facts">
      <div>
        <dt>Browser</dt>
        <dd>
          {browserText(navigator.userAgent)} <span class="soft">({systemText(navigator.userAgent)})</span>
        </dd>
      </div>
      {environment().map(({ name, good, value, cure }) => (
        <div key={name}>
          <dt>
            <i class={good ? "mark good" : "mark off"} aria-hidden="true" />
            {name}
          </dt>
          <dd>
            {value}
            {cure !== "" && <span class="cure"> {cure}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
