/**
 * The values of a template's parameters: given, kept from before, or the default; each held to its declaration.
 * Source: CloudFormation User Guide, "Parameters section template reference"; wording as the service answers.
 */
import type { Json } from '../../common/index.ts';
import { SSM_STRING } from './read.ts';
import { type ParameterDeclaration, type Template, TemplateProblem } from './types.ts';

export type GivenParameter = Readonly<{ key: string; value?: string; usePrevious?: boolean }>;

/** By name, as text. Throws `TemplateProblem`. `previous`: of the stack as it is. */
export function parameterValues(
  { parameters }: Template,
  given: readonly GivenParameter[],
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const strange = given.map(({ key }) => key).filter((key) => parameters[key] === undefined);
  if (strange.length > 0) throw new TemplateProblem(`Parameters: [${strange.join(', ')}] do not exist in the template`);
  const missing: string[] = [];
  const values: Record<string, string> = {};
  for (const [name, declaration] of Object.entries(parameters)) {
    const entry = given.find(({ key }) => key === name);
    const value = entry?.usePrevious === true ? previous[name] : (entry?.value ?? declaration.default);
    if (value === undefined) missing.push(name);
    else values[name] = value;
  }
  if (missing.length > 0) throw new TemplateProblem(`Parameters: [${missing.join(', ')}] must have values`);
  for (const [name, value] of Object.entries(values)) {
    const declaration = parameters[name];
    if (declaration !== undefined) check(name, declaration, value);
  }
  return values;
}

/** A value as `Ref` gives it: a list for the list types. */
export function parameterAsJson({ type }: ParameterDeclaration, value: string): Json {
  if (type === 'CommaDelimitedList' || type.startsWith('List<'))
    return value === '' ? [] : value.split(',').map((each) => each.trim());
  return value;
}

export function isSsmParameter({ type }: ParameterDeclaration): boolean {
  return type === SSM_STRING;
}

function check(name: string, declaration: ParameterDeclaration, value: string): void {
  const { type, allowedValues, allowedPattern, constraintDescription, minLength, maxLength, minValue, maxValue } =
    declaration;
  const refuse = (message: string): TemplateProblem =>
    new TemplateProblem(
      constraintDescription === undefined
        ? message
        : `Parameter ${name} failed to satisfy constraint: ${constraintDescription}`,
    );
  const list = type === 'CommaDelimitedList' || type.startsWith('List<');
  const each = list ? (parameterAsJson(declaration, value) as string[]) : [value];
  for (const one of each) {
    if (allowedValues !== undefined && !allowedValues.includes(one))
      throw refuse(`Parameter '${name}' must be one of AllowedValues`);
    if ((type === 'Number' || type === 'List<Number>') && (one.trim() === '' || !Number.isFinite(Number(one))))
      throw new TemplateProblem(`Parameter '${name}' must be a number.`);
    if (minValue !== undefined && Number(one) < minValue)
      throw refuse(`Parameter '${name}' must be a number not less than ${minValue}`);
    if (maxValue !== undefined && Number(one) > maxValue)
      throw refuse(`Parameter '${name}' must be a number not greater than ${maxValue}`);
    if (allowedPattern !== undefined && !matches(name, allowedPattern, one))
      throw refuse(`Parameter '${name}' must match pattern ${allowedPattern}`);
  }
  if (minLength !== undefined && value.length < minLength)
    throw refuse(`Parameter '${name}' must contain at least ${minLength} characters`);
  if (maxLength !== undefined && value.length > maxLength)
    throw refuse(`Parameter '${name}' must contain at most ${maxLength} characters`);
}

/** The longest value that a pattern is tried on: what a user writes as a pattern may take time that grows fast. */
const MOST_MATCHED = 4_096;

function matches(name: string, pattern: string, value: string): boolean {
  if (value.length > MOST_MATCHED)
    throw new TemplateProblem(`Parameter '${name}' must contain at most ${MOST_MATCHED} characters`);
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(value);
  } catch {
    throw new TemplateProblem(
      `Template format error: AllowedPattern of parameter ${name} is not a regular expression: ${pattern}`,
    );
  }
}
