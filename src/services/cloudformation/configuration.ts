/** From what a call gives to what a stack is to be: template read, parameters valued, capabilities held to it, plan made. */
import type { Parameter, Tag } from '@aws-sdk/client-cloudformation';
import { AwsError, type Json } from '../../common/index.ts';
import {
  type Attempt,
  capabilitiesNeeded,
  isObject,
  isOpen,
  makePlan,
  parameterValues,
  type Plan,
  type PlannedResource,
  readTemplate,
  type Template,
} from '../../core/cloudformation-template/index.ts';
import type { Call, House } from '../service.ts';
import { invalid, refuse, type Stack, type StackConfiguration, type StackParameter } from './records.ts';
import { parseTemplate, templateBody } from './template-file.ts';
import { RESOURCE_TYPES } from './types/index.ts';

type Given = Readonly<{
  TemplateBody?: string | undefined;
  TemplateURL?: string | undefined;
  UsePreviousTemplate?: boolean | undefined;
  Parameters?: readonly Parameter[] | undefined;
  Capabilities?: readonly string[] | undefined;
  Tags?: readonly Tag[] | undefined;
  RoleARN?: string | undefined;
  DisableRollback?: boolean | undefined;
}>;

const TYPE_FACTS = Object.fromEntries(
  Object.entries(RESOURCE_TYPES).map(([name, { properties, required = [], attributes }]) => [
    name,
    { properties, required, attributes },
  ]),
);

/** Throws ValidationError. */
export function template(body: string): Template {
  return orInvalid(readTemplate(parseTemplate(body), TYPE_FACTS));
}

/** `operation`: the number of the one that it is for. */
export async function configure(
  call: Call,
  stack: Pick<Stack, 'stackId' | 'stackName' | 'current' | 'latest'>,
  input: Given,
  operation: number,
): Promise<StackConfiguration> {
  const previous = stack.current ?? stack.latest;
  if (input.UsePreviousTemplate === true && (input.TemplateBody ?? input.TemplateURL) !== undefined)
    throw invalid('You cannot specify both usePreviousTemplate and Template Body/Template URL.');
  if (input.UsePreviousTemplate === true && previous === undefined)
    throw invalid('Previous template is not available.');
  const body = input.UsePreviousTemplate === true ? (previous?.templateBody ?? '') : await templateBody(call, input);
  const read = template(body);
  const capabilities = input.Capabilities ?? [];
  const needed = capabilitiesNeeded(read);
  const lacks = needed.filter(
    (each) =>
      !capabilities.includes(each) && !(each === 'CAPABILITY_IAM' && capabilities.includes('CAPABILITY_NAMED_IAM')),
  );
  if (lacks.length > 0)
    throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${lacks.join(', ')}]`, {
      statusCode: 400,
    });
  const clear = previous === undefined ? {} : clearValues(call.house, stack.stackId, previous);
  const given = (input.Parameters ?? []).map(({ ParameterKey = '', ParameterValue, UsePreviousValue = false }) => ({
    key: ParameterKey,
    usePrevious: UsePreviousValue,
    ...(ParameterValue === undefined ? {} : { value: ParameterValue }),
  }));
  const values = orInvalid(parameterValues(read, given, clear));
  const { parameters, secrets } = keep(call.house, stack.stackId, read, values, previous, clear, operation);
  const secretNames = Object.fromEntries(
    parameters.flatMap(({ key, secret }) => (secret === undefined ? [] : [[key, secret]])),
  );
  const { account, region } = call;
  const { stackId, stackName } = stack;
  const plan = orInvalid(
    makePlan(read, { values, secrets: secretNames, pseudo: { account, region, stackId, stackName } }),
  );
  const tags = input.Tags === undefined ? (previous?.tags ?? {}) : checkedTags(input.Tags);
  const roleArn = input.RoleARN ?? previous?.roleArn;
  return {
    templateBody: body,
    ...(read.description === undefined ? {} : { description: read.description }),
    parameters,
    secrets: { ...stack.latest?.secrets, ...previous?.secrets, ...secrets },
    capabilities,
    tags,
    caller: call.principal,
    disableRollback: input.DisableRollback === true,
    ...(roleArn === undefined ? {} : { roleArn }),
    plan: withTags(plan, tags),
    rules: Object.fromEntries(
      Object.values(plan.resources).map(({ type }) => {
        const { replaceOn = [], nameProperty } = RESOURCE_TYPES[type] ?? {};
        return [type, { replaceOn, ...(nameProperty === undefined ? {} : { nameProperty }) }];
      }),
    ),
  };
}

export function orInvalid<T>({ value, fault }: Attempt<T>): T {
  if (fault !== undefined) throw invalid(fault);
  return value as T;
}

/** The values of the parameters, those of NoEcho parameters too. */
function clearValues(
  house: House,
  stackId: string,
  { parameters, secrets }: StackConfiguration,
): Record<string, string> {
  return Object.fromEntries(
    parameters.map(({ key, value, secret }) => [key, value ?? openSecret(house, stackId, secrets, secret ?? '')]),
  );
}

export function openSecret(
  house: House,
  stackId: string,
  secrets: StackConfiguration['secrets'],
  name: string,
): string {
  const opened = house.secrets.open(Buffer.from(secrets[name] ?? '', 'base64'), sealedAs(stackId, name));
  if (opened === undefined) throw new Error(`the NoEcho parameter ${name} of ${stackId} cannot be opened`);
  return opened.toString('utf8');
}

function sealedAs(stackId: string, name: string): string {
  return `cloudformation parameter ${name} of ${stackId}`;
}

/** A secret gets a new name when its value is another, so that what uses it is seen to change. */
function keep(
  house: House,
  stackId: string,
  { parameters: declared }: Template,
  values: Readonly<Record<string, string>>,
  previous: StackConfiguration | undefined,
  before: Readonly<Record<string, string>>,
  operation: number,
): Readonly<{ parameters: StackParameter[]; secrets: Record<string, string> }> {
  const secrets: Record<string, string> = {};
  const parameters = Object.entries(values).map(([key, value]): StackParameter => {
    if (declared[key]?.noEcho !== true) return { key, value };
    const known = previous?.parameters.find((each) => each.key === key)?.secret;
    if (known !== undefined && before[key] === value) return { key, secret: known };
    const secret = `${key}@${operation}-${house.ids.uuid()}`;
    secrets[secret] = Buffer.from(house.secrets.seal(Buffer.from(value), sealedAs(stackId, secret))).toString('base64');
    return { key, secret };
  });
  return { parameters, secrets };
}

function checkedTags(tags: readonly Tag[]): Record<string, string> {
  if (tags.length > 50) throw invalid('Number of tags exceeds the maximum allowed, 50');
  const reserved = tags.find(({ Key = '' }) => Key.toLowerCase().startsWith('aws:'));
  if (reserved !== undefined) throw invalid('Tags with a key that begins with aws: are reserved');
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** The stack's tags are those of its resources too; a resource's own tag of the same key wins. */
function withTags(plan: Plan, tags: Readonly<Record<string, string>>): Plan {
  if (Object.keys(tags).length === 0) return plan;
  const tagged = (resource: PlannedResource): PlannedResource => {
    const own = resource.properties['Tags'];
    if (RESOURCE_TYPES[resource.type]?.properties.includes('Tags') !== true) return resource;
    if (
      own !== undefined &&
      (!Array.isArray(own) || own.some((each: Json) => !isObject(each) || isOpen(each['Key'] ?? '')))
    )
      throw refuse('A stack with tags whose resources have tags with keys that are not known beforehand');
    const keys = new Set(((own ?? []) as readonly Json[]).map((each) => (isObject(each) ? each['Key'] : undefined)));
    const more = Object.entries(tags)
      .filter(([Key]) => !keys.has(Key))
      .map(([Key, Value]) => ({ Key, Value }));
    return {
      ...resource,
      properties: { ...resource.properties, Tags: [...((own ?? []) as readonly Json[]), ...more] },
    };
  };
  return {
    ...plan,
    resources: Object.fromEntries(Object.entries(plan.resources).map(([id, resource]) => [id, tagged(resource)])),
  };
}
