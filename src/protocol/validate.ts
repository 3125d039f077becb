/**
 * Constraint checks from the model, in the words of AWS's Coral framework:
 *
 *   2 validation errors detected: Value null at 'pipeline.name' failed to satisfy constraint: Member must not be null;
 *   Value 'x y' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: ...
 *
 * Per shape a checker is compiled once; shapes without constraints cost nothing.
 */
import { AwsError } from '../common/index.ts';
import { part } from './json.ts';
import { type Reference, type ServiceModel, type Shape, shapeOf } from './model.ts';
import { compilePattern } from './patterns.ts';
import { DEFAULT_VALIDATION_ERROR, VALIDATION_ERRORS, type ValidationError } from './validation-errors.ts';

/** One broken constraint. `value` undefined: the member is missing. */
type Violation = Readonly<{
  path: string;
  value: unknown;
  constraint: string;
  sensitive: boolean;
  /** The member's top-level reference, for services whose code depends on where it lies. */
  top?: Reference;
}>;

type Check = (value: unknown, path: string, found: Violation[]) => void;

/** Differs from AWS: a value longer than this is cut in a message, and further violations are not listed. */
const MAX_SHOWN = 1_024;
const MAX_VIOLATIONS = 20;

/** Throws the service's validation error when `input` breaks a constraint of the operation's input shape. */
export function validateInput(model: ServiceModel, operation: string, input: Readonly<Record<string, unknown>>): void {
  if (model.constraintExceptions.has('*')) return;
  const reference = Object.hasOwn(model.operations, operation) ? model.operations[operation]?.input : undefined;
  if (reference === undefined) return;
  const check = inputChecker(model, operation, reference);
  if (check === undefined) return;
  const found: Violation[] = [];
  check(input, '', found);
  if (found.length > 0) throw errorOf(model, found);
}

function inputChecker(model: ServiceModel, operation: string, reference: Reference): Check | undefined {
  const memo = model.memo<Check | undefined>('input-check');
  if (memo.has(operation)) return memo.get(operation);
  const shape = shapeOf(model, reference);
  const excepted = new Set<string>();
  for (const name of Object.keys(shape.members ?? {})) {
    if (model.constraintExceptions.has(`${operation}.${name}`)) excepted.add(name);
  }
  const check = excepted.size === 0 ? checker(model, reference) : structureCheck(model, shape, excepted);
  memo.set(operation, check);
  return check;
}

/** Undefined: nothing to check. */
function checker(model: ServiceModel, reference: Reference): Check | undefined {
  const memo = model.memo<Check | undefined>('check');
  const name = reference.shape;
  if (memo.has(name)) return memo.get(name);
  // A shape that contains itself counts as constrained while it is being built.
  let built: Check | undefined;
  memo.set(name, (value, path, found) => built?.(value, path, found));
  built = buildCheck(model, reference);
  memo.set(name, built);
  return built;
}

function buildCheck(model: ServiceModel, reference: Reference): Check | undefined {
  const shape = shapeOf(model, reference);
  switch (shape.type) {
    case 'structure':
      return structureCheck(model, shape, new Set());
    case 'list':
      return listCheck(model, shape);
    case 'map':
      return mapCheck(model, shape);
    default:
      return scalarCheck(shape);
  }
}

function structureCheck(model: ServiceModel, shape: Shape, excepted: ReadonlySet<string>): Check | undefined {
  const members: { name: string; shown: string; isRequired: boolean; check: Check | undefined }[] = [];
  for (const [name, reference] of Object.entries(shape.members ?? {})) {
    if (excepted.has(name) || reference.hostLabel === true) continue;
    const isRequired = shape.required?.includes(name) ?? false;
    const check = checker(model, reference);
    if (isRequired || check !== undefined) members.push({ name, shown: lowerFirst(name), isRequired, check });
  }
  if (members.length === 0) return undefined;
  return (value, path, found) => {
    if (typeof value !== 'object' || value === null) return;
    const prefix = path === '' ? '' : `${path}.`;
    for (const { name, shown, isRequired, check } of members) {
      const given = (value as Record<string, unknown>)[name];
      if (given === undefined || given === null) {
        if (isRequired) add(found, { path: prefix + shown, value: undefined, constraint: NOT_NULL, sensitive: false });
      } else check?.(given, prefix + shown, found);
    }
  };
}

const NOT_NULL = 'Member must not be null';

function add(found: Violation[], violation: Violation): void {
  if (found.length < MAX_VIOLATIONS) found.push(violation);
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function listCheck(model: ServiceModel, shape: Shape): Check | undefined {
  const own = constraintsOf(shape);
  const element = part(shape.member);
  const target = shapeOf(model, element);
  const isScalar = target.type !== 'structure' && target.type !== 'list' && target.type !== 'map';
  const constraints = isScalar ? constraintsOf(target) : [];
  const nested = isScalar ? undefined : checker(model, element);
  if (own.length === 0 && constraints.length === 0 && nested === undefined) return undefined;
  const all = `Member must satisfy constraint: [${[...constraints.map(({ text }) => text), NOT_NULL].join(', ')}]`;
  const sensitive = target.sensitive === true;
  return (value, path, found) => {
    if (!Array.isArray(value)) return;
    for (const { holds, text } of own) {
      if (!holds(value)) add(found, { path, value, constraint: text, sensitive });
    }
    // No further look into what is too long: it may be very long.
    if (shape.max !== undefined && value.length > shape.max) return;
    if (constraints.length > 0 && !value.every((item) => constraints.every(({ holds }) => holds(item)))) {
      add(found, { path, value, constraint: all, sensitive });
    }
    if (nested !== undefined) {
      value.forEach((item, i) => nested(item, `${path}.${i + 1}.member`, found));
    }
  };
}

function mapCheck(model: ServiceModel, shape: Shape): Check | undefined {
  const own = constraintsOf(shape);
  const keyShape = shapeOf(model, part(shape.key));
  const valueReference = part(shape.value);
  const valueShape = shapeOf(model, valueReference);
  const isScalar = valueShape.type !== 'structure' && valueShape.type !== 'list' && valueShape.type !== 'map';
  const keyConstraints = constraintsOf(keyShape);
  const valueConstraints = isScalar ? constraintsOf(valueShape) : [];
  const nested = isScalar ? undefined : checker(model, valueReference);
  if (own.length + keyConstraints.length + valueConstraints.length === 0 && nested === undefined) return undefined;
  const sensitive = keyShape.sensitive === true || valueShape.sensitive === true;
  const listed = (constraints: readonly Constraint[]): string => constraints.map(({ text }) => text).join(', ');
  return (value, path, found) => {
    if (typeof value !== 'object' || value === null) return;
    const entries = Object.entries(value);
    for (const { holds, text } of own) if (!holds(value)) add(found, { path, value, constraint: text, sensitive });
    if (shape.max !== undefined && entries.length > shape.max) return;
    if (!entries.every(([key]) => keyConstraints.every(({ holds }) => holds(key)))) {
      add(found, {
        path,
        value,
        constraint: `Map keys must satisfy constraint: [${listed(keyConstraints)}]`,
        sensitive,
      });
    }
    if (!entries.every(([, item]) => valueConstraints.every(({ holds }) => holds(item)))) {
      add(found, {
        path,
        value,
        constraint: `Map value must satisfy constraint: [${listed(valueConstraints)}]`,
        sensitive,
      });
    }
    if (nested !== undefined) {
      for (const [key, item] of entries) {
        nested(item, `${path}.${key.slice(0, 128)}.member`, found);
      }
    }
  };
}

function scalarCheck(shape: Shape): Check | undefined {
  const constraints = constraintsOf(shape);
  if (constraints.length === 0) return undefined;
  const sensitive = shape.sensitive === true;
  return (value, path, found) => {
    for (const { holds, text } of constraints) {
      if (!holds(value)) add(found, { path, value, constraint: text, sensitive });
    }
  };
}

/** `holds` is true for values of a type that the constraint does not speak of. */
type Constraint = Readonly<{ holds: (value: unknown) => boolean; text: string }>;

function constraintsOf(shape: Shape): readonly Constraint[] {
  const { min, max } = shape;
  const out: Constraint[] = [];
  switch (shape.type) {
    case 'string':
    case 'character':
    case 'blob':
    case 'list':
    case 'map': {
      if (max !== undefined) {
        out.push({
          holds: (value) => lengthOf(value) <= max,
          text: `Member must have length less than or equal to ${max}`,
        });
      }
      if (min !== undefined && min > 0) {
        out.push({
          holds: (value) => lengthOf(value) >= min,
          text: `Member must have length greater than or equal to ${min}`,
        });
      }
      if (shape.enum !== undefined) {
        const allowed = new Set(shape.enum);
        out.push({
          holds: (value) => allowed.has(String(value)),
          text: `Member must satisfy enum value set: [${shape.enum.join(', ')}]`,
        });
      }
      if (shape.pattern !== undefined && shape.type === 'string') {
        out.push(patternConstraint(shape.pattern));
      }
      return out;
    }
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      if (max !== undefined) {
        out.push({
          holds: (value) => typeof value !== 'number' || value <= max,
          text: `Member must have value less than or equal to ${max}`,
        });
      }
      if (min !== undefined) {
        out.push({
          holds: (value) => typeof value !== 'number' || value >= min,
          text: `Member must have value greater than or equal to ${min}`,
        });
      }
      return out;
    default:
      return out;
  }
}

/**
 * Text longer than this is tried only against a single repeated class, which takes linear time; the others are tested
 * for speed up to this length (patterns.test.ts).
 * Differs from AWS: a longer text passes them unchecked.
 */
const MAX_PATTERN_TEXT = 4_096;
const ONE_CLASS = /^\^?(?:\[(?:[^\]\\[]|\\.)*\]|\\?.)(?:[*+]|\{\d+(?:,\d*)?\})?\$?$/s;

function patternConstraint(pattern: string): Constraint {
  const isLinear = ONE_CLASS.test(pattern);
  // Compiled when first needed: a model has hundreds, and a call needs a few.
  let compiled: RegExp | undefined | null = null;
  return {
    holds: (value) => {
      if (typeof value !== 'string' || (value.length > MAX_PATTERN_TEXT && !isLinear)) return true;
      if (compiled === null) compiled = compilePattern(pattern);
      return compiled === undefined || compiled.test(value);
    },
    text: `Member must satisfy regular expression pattern: ${pattern}`,
  };
}

/** Code points of text, bytes of a blob, elements of a list or map; a stream's length is not known. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') {
    let length = value.length;
    if (/[\ud800-\udbff]/.test(value)) length -= value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0;
    return length;
  }
  if (value instanceof Uint8Array) return value.byteLength;
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null && !('pipe' in value)) return Object.keys(value).length;
  return Number.NaN;
}

function errorOf(model: ServiceModel, found: readonly Violation[]): AwsError {
  const service = VALIDATION_ERRORS[model.name] ?? DEFAULT_VALIDATION_ERROR;
  // Where only one is told, it is a missing member before a wrong one.
  const first = found.find(({ path, value }) => value === undefined && !path.includes('.')) ?? found[0];
  if (first === undefined) throw new Error('no violation');
  switch (service.style) {
    case 'coral': {
      const listed = found.map(coralText).join('; ');
      const count = found.length === 1 ? '1 validation error' : `${found.length} validation errors`;
      return new AwsError(service.code, `${count} detected: ${listed}`);
    }
    case 'ec2':
      return first.value === undefined
        ? new AwsError(
            service.missingCode ?? service.code,
            `The request must contain the parameter ${memberText(first.path)}.`,
          )
        : new AwsError(
            service.code,
            `Value (${shownValue(first)}) for parameter ${memberText(first.path)} is invalid. ${first.constraint}`,
          );
    case 'sns':
      return new AwsError(
        service.code,
        `Invalid parameter: ${memberText(first.path)}${first.value === undefined ? '' : ` Reason: ${first.constraint}`}`,
      );
    case 's3':
      return s3Error(service, first);
  }
}

function coralText(violation: Violation): string {
  const value =
    violation.value === undefined ? 'Value null' : violation.sensitive ? 'Value' : `Value '${shownValue(violation)}'`;
  return `${value} at '${violation.path}' failed to satisfy constraint: ${violation.constraint}`;
}

/** Members inside a body make it a malformed document; the others are arguments. */
function s3Error(service: ValidationError, violation: Violation): AwsError {
  if (violation.path.includes('.')) {
    return new AwsError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  }
  if (violation.value === undefined) {
    return new AwsError(
      service.missingCode ?? service.code,
      `Missing required parameter: ${memberText(violation.path)}`,
    );
  }
  return new AwsError(service.code, `Invalid ${memberText(violation.path)}`, {
    fields: { ArgumentName: memberText(violation.path), ArgumentValue: shownValue(violation) },
  });
}

function memberText(path: string): string {
  return path.charAt(0).toUpperCase() + path.slice(1);
}

function shownValue({ value, sensitive }: Violation): string {
  if (sensitive) return '***';
  const text = showText(value, 0);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

/** As Java prints collections: `[a, b]`, `{k=v}`. Nested structures are not spelled out: they may hold secrets. */
function showText(value: unknown, depth: number): string {
  if (Array.isArray(value)) {
    return depth > 1
      ? '[...]'
      : `[${value
          .slice(0, 50)
          .map((item) => showText(item, depth + 1))
          .join(', ')}]`;
  }
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) {
    if (depth > 0) return '{...}';
    const entries = Object.entries(value).slice(0, 50);
    return `{${entries.map(([key, item]) => `${key}=${showText(item, depth + 1)}`).join(', ')}}`;
  }
  return String(value);
}
