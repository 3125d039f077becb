/** The values of a template's parameters, checked. Source: CloudFormation User Guide, "Parameters". */
import { type Attempt, attempt, type ParameterDeclaration, type Template, TemplateFault } from './template.ts';

export type GivenParameter = Readonly<{ key: string; value?: string; usePrevious?: boolean }>;

/** By name, as text; of a list, its members with commas between. */
export function parameterValues(
  { parameters }: Template,
  given: readonly GivenParameter[],
  previous: Readonly<Record<string, string>> = {},
): Attempt<Readonly<Record<string, string>>> {
  return attempt(() => {
    const strange = given.filter(({ key }) => !Object.hasOwn(parameters, key)).map(({ key }) => key);
    if (strange.length > 0) throw new TemplateFault(`Parameters: [${strange.join(', ')}] do not exist in the template`);
    const values: Record<string, string> = {};
    const missing: string[] = [];
    for (const [name, declared] of Object.entries(parameters)) {
      const own = given.find(({ key }) => key === name);
      if (own?.usePrevious === true && !Object.hasOwn(previous, name)) {
        throw new TemplateFault(
          `Invalid input for parameter key ${name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template`,
        );
      }
      const value = own?.usePrevious === true ? previous[name] : (own?.value ?? declared.default);
      if (value === undefined) missing.push(name);
      else values[name] = checked(name, declared, value);
    }
    if (missing.length > 0) throw new TemplateFault(`Parameters: [${missing.join(', ')}] must have values`);
    return values;
  });
}

function checked(name: string, declared: ParameterDeclaration, value: string): string {
  const { constraintDescription: told } = declared;
  const refuse = (text: string): TemplateFault =>
    new TemplateFault(told === undefined ? text : `Parameter ${name} failed to satisfy constraint: ${told}`);
  const each = isList(declared) ? members(value) : [value];
  if (declared.type === 'Number' || declared.type === 'List<Number>') {
    if (each.some((text) => text === '' || !Number.isFinite(Number(text))))
      throw new TemplateFault(`Parameter '${name}' must be a number.`);
  }
  const { allowedValues, allowedPattern, minLength, maxLength, minValue, maxValue } = declared;
  if (allowedValues !== undefined && each.some((text) => !allowedValues.includes(text)))
    throw refuse(`Parameter '${name}' must be one of AllowedValues`);
  if (allowedPattern !== undefined && each.some((text) => !matches(name, allowedPattern, text)))
    throw refuse(`Parameter '${name}' must match pattern ${allowedPattern}`);
  if (minLength !== undefined && value.length < minLength)
    throw refuse(`Parameter '${name}' must contain at least ${minLength} characters`);
  if (maxLength !== undefined && value.length > maxLength)
    throw refuse(`Parameter '${name}' must contain at most ${maxLength} characters`);
  if (minValue !== undefined && each.some((text) => Number(text) < minValue))
    throw refuse(`Parameter '${name}' must be a number not less than ${minValue}`);
  if (maxValue !== undefined && each.some((text) => Number(text) > maxValue))
    throw refuse(`Parameter '${name}' must be a number not greater than ${maxValue}`);
  return value;
}

function matches(name: string, pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    throw new TemplateFault(
      `Template format error: AllowedPattern of parameter ${name} is no regular expression that Sluice understands`,
    );
  }
}

export function isList({ type }: ParameterDeclaration): boolean {
  return type === 'CommaDelimitedList' || type === 'List<Number>';
}

/** Of a comma-delimited list: without the spaces around. */
export function members(value: string): string[] {
  return value === '' ? [] : value.split(',').map((each) => each.trim());
}
