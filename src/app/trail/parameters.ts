/**
 * The parameters of a call as its audit record keeps them: as CloudTrail shows them (names with a small first letter), without
 * what is secret. Secret is what the service's model marks `sensitive`, and what its name tells: models mark little.
 * Blobs and streams are left out: they are content.
 */
import type { Json } from '../../common/index.ts';
import { type Models, type Reference, type ServiceModel, shapeOf } from '../../protocol/index.ts';

/** CloudTrail's own text. */
const HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS';

/** Differs from AWS: CloudTrail omits parameters past 100 KB; the trail lies in the database of the house. */
const MAX_CHARACTERS = 32_768;

/** Members and map keys whose value is secret in whichever service. */
const SECRET =
  /password|passphrase|secret(?:string|binary|hash|access_?key|key)?$|(?<!next|client|clientrequest|request|idempotency|continuation|pagination)tokens?$|plaintext|cipher_?text|privatekey|private_key|tokencode|externalid|samlassertion|encodedmessage|api_?key(?:value)?$|authorization$|credentials?$/i;

/** Names of members that hold variables: of each, the name is shown and the value is not. */
const VARIABLES = /variables(?:override)?$/i;

/** Secret here, though the name is a common one. */
const SECRET_MEMBERS: ReadonlySet<string> = new Set(['ssm:PutParameter:Value']);

type Budget = { characters: number };
type Show = (value: unknown, budget: Budget) => Json | undefined;

class TooLarge extends Error {}

/** Undefined for an operation without input. Never throws: what has not the shape of the model is left out. */
export function shownParameters(
  models: Models,
  service: string,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): Json | undefined {
  const model = models.service(service);
  if (model === undefined || !Object.hasOwn(model.operations, operation)) return undefined;
  const reference = model.operations[operation]?.input;
  if (reference === undefined) return undefined;
  const memo = model.memo<Show>('trail-operation');
  let show = memo.get(operation);
  if (show === undefined) {
    const secret = [...SECRET_MEMBERS]
      .filter((each) => each.startsWith(`${service}:${operation}:`))
      .map((each) => each.slice(each.lastIndexOf(':') + 1));
    show = secret.length === 0 ? shower(model, reference, false) : structure(model, reference, false, new Set(secret));
    memo.set(operation, show);
  }
  try {
    const shown = show(input, { characters: MAX_CHARACTERS });
    return shown !== undefined && Object.keys(shown as object).length > 0 ? shown : undefined;
  } catch (error) {
    if (error instanceof TooLarge) return { omitted: true, reason: 'requestParameters too large' };
    throw error;
  }
}

/** `veiled`: within variables, where a value is not shown. */
function shower(model: ServiceModel, reference: Reference, veiled: boolean): Show {
  const memo = model.memo<Show>(veiled ? 'trail-veiled' : 'trail');
  const known = memo.get(reference.shape);
  if (known !== undefined) return known;
  // A shape that contains itself is asked for while it is being built.
  let built: Show | undefined;
  memo.set(reference.shape, (value, budget) => built?.(value, budget));
  built = build(model, reference, veiled);
  memo.set(reference.shape, built);
  return built;
}

const hidden: Show = () => HIDDEN;
const nothing: Show = () => undefined;

function build(model: ServiceModel, reference: Reference, veiled: boolean): Show {
  const shape = shapeOf(model, reference);
  if (shape.sensitive === true) return hidden;
  if (shape.streaming === true || reference.streaming === true || shape.eventstream === true) return nothing;
  switch (shape.type) {
    case 'structure':
      return structure(model, reference, veiled, new Set());
    case 'list': {
      const member = shape.member === undefined ? nothing : shower(model, shape.member, veiled);
      return (value, budget) =>
        Array.isArray(value) ? value.map((each) => member(each, spend(budget, 1)) ?? null) : undefined;
    }
    case 'map': {
      const member = shape.value === undefined ? nothing : shower(model, shape.value, veiled);
      return (value, budget) => {
        if (!isRecord(value)) return undefined;
        const shown: Record<string, Json> = {};
        for (const [key, each] of Object.entries(value)) {
          spend(budget, key.length);
          const secret = veiled || SECRET.test(key) || VARIABLES.test(key);
          const one = secret ? HIDDEN : member(each, budget);
          if (one !== undefined) define(shown, key, one);
        }
        return shown;
      };
    }
    case 'blob':
      return nothing;
    case 'timestamp':
      return (value) =>
        value instanceof Date ? (Number.isNaN(value.getTime()) ? undefined : value.toISOString()) : scalar(value);
    default:
      return (value, budget) => {
        if (typeof value === 'string') spend(budget, value.length);
        return scalar(value);
      };
  }
}

function structure(model: ServiceModel, reference: Reference, veiled: boolean, secret: ReadonlySet<string>): Show {
  const members = Object.entries(shapeOf(model, reference).members ?? {}).map(([name, member]) => {
    const isSecret = secret.has(name) || SECRET.test(name) || (veiled && /^value$/i.test(name));
    return {
      name,
      shown: name.charAt(0).toLowerCase() + name.slice(1),
      // A structure of that name is not itself the secret: its members are judged one by one.
      show: isSecret && isScalar(model, member) ? hidden : shower(model, member, veiled || VARIABLES.test(name)),
    };
  });
  return (value, budget) => {
    if (!isRecord(value)) return undefined;
    const shown: Record<string, Json> = {};
    for (const member of members) {
      const given = value[member.name];
      if (given === undefined || given === null) continue;
      const one = member.show(given, spend(budget, member.name.length));
      if (one !== undefined) shown[member.shown] = one;
    }
    return shown;
  };
}

/** Or a list of scalars. */
function isScalar(model: ServiceModel, reference: Reference): boolean {
  const shape = shapeOf(model, reference);
  if (shape.type === 'list') return shape.member !== undefined && isScalar(model, shape.member);
  return shape.type !== 'structure' && shape.type !== 'map';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A key may be called `__proto__`. */
function define(target: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function scalar(value: unknown): Json | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function spend(budget: Budget, characters: number): Budget {
  budget.characters -= characters + 1;
  if (budget.characters < 0) throw new TooLarge();
  return budget;
}

const RESPONSE_NAMES = /(?:Arn|Id|Name|Url|Status|State|Version|Expiration)$/i;

/** Of an answer, what identifies its things: ids, ARNs, names and states, of the first two levels. */
export function shownResponse(output: Readonly<Record<string, unknown>>): Json | undefined {
  const shown = identifying(output, 2);
  return Object.keys(shown).length === 0 ? undefined : shown;
}

function identifying(value: Readonly<Record<string, unknown>>, levels: number): Record<string, Json> {
  const shown: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const small = name.charAt(0).toLowerCase() + name.slice(1);
    if (SECRET.test(name) && !isRecord(member)) continue;
    if (member instanceof Date) {
      if (RESPONSE_NAMES.test(name)) shown[small] = member.toISOString();
    } else if (isRecord(member) && !(member instanceof Uint8Array)) {
      if (levels < 2 || Object.getPrototypeOf(member) !== Object.prototype) continue;
      const within = identifying(member, levels - 1);
      if (Object.keys(within).length > 0) shown[small] = within;
    } else if (RESPONSE_NAMES.test(name)) {
      const one = scalar(member);
      if (one !== undefined && (typeof one !== 'string' || one.length <= 2_048)) shown[small] = one;
    }
  }
  return shown;
}
