/**
 * Bodies of the query protocols: `Tags.member.1.Key=a&Tags.member.1.Value=b`, by shape.
 * Naming: Smithy, "AWS query protocol" and "AWS EC2 query protocol" (capitalised names, lists without `member`).
 */
import { AwsError } from '../common/index.ts';
import { part, setKey } from './json.ts';
import { type Reference, type ServiceModel, type Shape, shapeOf } from './model.ts';
import { isFlattened, readScalar } from './xml.ts';

/** One dotted parameter name, taken apart into a tree. */
type Branch = { value: string | undefined; children: Map<string, Branch> | undefined };

const MAX_DEPTH = 64;
const MAX_PARAMETERS = 20_000;

export function parseForm(text: string): [string, string][] {
  const out: [string, string][] = [];
  if (text === '') return out;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    out.push(
      equals < 0 ? [decodePlus(pair), ''] : [decodePlus(pair.slice(0, equals)), decodePlus(pair.slice(equals + 1))],
    );
  }
  return out;
}

/** Form decoding; text with a broken escape stays as it is. */
function decodePlus(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** Reads the input of an operation. Throws SerializationException; parameters that nothing asks for are ignored. */
export function readForm(
  model: ServiceModel,
  input: Reference,
  form: readonly (readonly [string, string])[],
  dialect: 'query' | 'ec2',
): Record<string, unknown> {
  return readStructure(model, shapeOf(model, input), treeOf(form), dialect);
}

function treeOf(form: readonly (readonly [string, string])[]): Branch {
  if (form.length > MAX_PARAMETERS)
    throw new AwsError('SerializationException', 'The request has too many parameters.');
  const root: Branch = { value: undefined, children: undefined };
  for (const [name, value] of form) {
    let branch = root;
    const steps = name.split('.', MAX_DEPTH + 1);
    if (steps.length > MAX_DEPTH) throw new AwsError('SerializationException', 'A parameter is nested too deeply.');
    for (const step of steps) {
      branch.children ??= new Map();
      let next = branch.children.get(step);
      if (next === undefined) branch.children.set(step, (next = { value: undefined, children: undefined }));
      branch = next;
    }
    branch.value ??= value;
  }
  return root;
}

function readStructure(
  model: ServiceModel,
  shape: Shape,
  branch: Branch,
  dialect: 'query' | 'ec2',
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const target = shapeOf(model, member);
    const key = nameIn(dialect, member, name);
    let found = branch.children?.get(key);
    if (found === undefined && target.type === 'list' && isFlattened(member, target)) {
      const element = part(target.member);
      if (element.locationName !== undefined) found = branch.children?.get(nameIn(dialect, element, key));
    }
    if (found === undefined) continue;
    const value = readBranch(model, member, target, found, dialect);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

function nameIn(dialect: 'query' | 'ec2', reference: Reference, fallback: string): string {
  if (reference.queryName !== undefined) return reference.queryName;
  if (reference.locationName === undefined) return fallback;
  if (dialect === 'query') return reference.locationName;
  return reference.locationName.charAt(0).toUpperCase() + reference.locationName.slice(1);
}

function readBranch(
  model: ServiceModel,
  reference: Reference,
  shape: Shape,
  branch: Branch,
  dialect: 'query' | 'ec2',
): unknown {
  switch (shape.type) {
    case 'structure':
      return readStructure(model, shape, branch, dialect);
    case 'list': {
      const element = part(shape.member);
      const target = shapeOf(model, element);
      const items =
        dialect === 'ec2' || isFlattened(reference, shape)
          ? branch
          : (branch.children?.get(element.locationName ?? 'member') ?? branch);
      return numbered(items).map((item) => given(readBranch(model, element, target, item, dialect)));
    }
    case 'map': {
      const entries = isFlattened(reference, shape) ? branch : branch.children?.get('entry');
      if (entries === undefined) return {};
      const valueReference = part(shape.value);
      const valueShape = shapeOf(model, valueReference);
      const out: Record<string, unknown> = {};
      for (const entry of numbered(entries)) {
        const key = entry.children?.get(shape.key?.queryName ?? shape.key?.locationName ?? 'key')?.value;
        const value = entry.children?.get(valueReference.queryName ?? valueReference.locationName ?? 'value');
        if (key === undefined) continue;
        setKey(
          out,
          key,
          given(readBranch(model, valueReference, valueShape, value ?? { value: '', children: undefined }, dialect)),
        );
      }
      return out;
    }
    default:
      return branch.value === undefined ? undefined : readScalar(shape, reference, branch.value);
  }
}

/** `Tags.member.1.Name=x` where the elements are text: an element without a value. */
function given(value: unknown): unknown {
  if (value === undefined)
    throw new AwsError('SerializationException', 'A list or map holds an element without a value.');
  return value;
}

/** The children `1`, `2`, ... in order; gaps close. */
function numbered(branch: Branch): Branch[] {
  const found: [number, Branch][] = [];
  for (const [key, child] of branch.children ?? []) if (/^\d{1,9}$/.test(key)) found.push([Number(key), child]);
  return found.sort(([a], [b]) => a - b).map(([, child]) => child);
}
