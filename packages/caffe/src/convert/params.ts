import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type LayerParameter, LayerParameterSchema } from "../schema/caffe_pb.ts";

/**
 * A message, accessed by the field names of a prototxt. A field that is absent has its default, and an absent list is
 * empty.
 */
export interface Params {
  has(name: string): boolean;
  number(name: string): number;
  numbers(name: string): readonly number[];
  flag(name: string): boolean;
  /** The name of an enum's value; an unknown value gives its number. */
  choice(name: string): string;
  text(name: string): string;
  texts(name: string): readonly string[];
  list(name: string): readonly Params[];
  /** A nested message; if it is absent, one with defaults. */
  params(name: string): Params;
}

/** A layer's own message, e.g. `convolution_param`. */
export function paramsOf(layer: LayerParameter): Params {
  return view(reflect(LayerParameterSchema, layer));
}

function view(message: ReflectMessage): Params {
  const at = (name: string): DescField => {
    const found = message.fields.find((field) => field.name === name);
    if (!found) throw new TypeError(`${message.desc.typeName} has no field ${name}`);
    return found;
  };
  const items = (name: string): unknown[] => {
    const field = at(name);
    return field.fieldKind === "list" ? [...message.get(field)] : [];
  };
  const nested = (value: unknown): Params => view(value as ReflectMessage);
  return {
    has: (name) => message.isSet(at(name)),
    number: (name) => numberOf(at(name), message.get(at(name))),
    numbers: (name) => items(name).map((value) => numberOf(at(name), value)),
    flag: (name) => message.get(at(name)) === true,
    choice(name) {
      const field = at(name);
      const value = Number(message.get(field));
      return field.enum?.values.find(({ number }) => number === value)?.name ?? String(value);
    },
    text: (name) => String(message.get(at(name))),
    texts: (name) => items(name).map(String),
    list: (name) => items(name).map(nested),
    params: (name) => nested(message.get(at(name))),
  };
}

/** A float in text may have more digits than Caffe keeps. */
function numberOf(field: DescField, value: unknown): number {
  return field.scalar === ScalarType.FLOAT ? Math.fround(Number(value)) : Number(value);
}
