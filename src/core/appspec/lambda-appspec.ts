/**
 * The AppSpec of a Lambda deployment: which alias moves from which version to which, and the functions that validate it.
 *
 *   version: 0.0
 *   Resources:
 *     - myFunction:
 *         Type: AWS::Lambda::Function
 *         Properties: { Name: myFunction, Alias: live, CurrentVersion: "1", TargetVersion: "2" }
 *   Hooks:
 *     - BeforeAllowTraffic: checkBefore
 *     - AfterAllowTraffic: checkAfter
 *
 * Keys are read capitalised and in lower case. Source: CodeDeploy User Guide, "AppSpec File structure" for AWS Lambda.
 */
export type LambdaHookName = 'BeforeAllowTraffic' | 'AfterAllowTraffic';

export type LambdaAppSpec = Readonly<{
  functionName: string;
  alias: string;
  currentVersion: string;
  targetVersion: string;
  /** Function names or ARNs. */
  hooks: Readonly<Partial<Record<LambdaHookName, string>>>;
}>;

type Result = Readonly<{ appSpec: LambdaAppSpec } | { problem: string }>;

/** `value`: the file as parsed from YAML or JSON. `problem` says what is wrong with it, for the deployment's error message. */
export function readLambdaAppSpec(value: unknown): Result {
  if (!isRecord(value)) return { problem: 'The AppSpec file is not a map.' };
  const version = member(value, 'version');
  if (version !== 0 && version !== '0.0') {
    return { problem: `The AppSpec file specifies an unsupported version: ${shown(version)}. It must be 0.0.` };
  }
  const resources = member(value, 'resources');
  if (!Array.isArray(resources) || resources.length === 0) {
    return { problem: 'The AppSpec file must name one AWS Lambda function in its Resources section.' };
  }
  if (resources.length > 1) return { problem: 'The AppSpec file must not name more than one resource.' };
  const entries = isRecord(resources[0]) ? Object.entries(resources[0]) : [];
  const [name, resource] = entries[0] ?? [];
  if (entries.length !== 1 || !isRecord(resource)) {
    return { problem: 'The AppSpec file must name one AWS Lambda function in its Resources section.' };
  }
  const type = member(resource, 'type');
  if (type !== 'AWS::Lambda::Function') {
    return {
      problem: `The resource ${name} in the AppSpec file is of type ${shown(type)}, not AWS::Lambda::Function.`,
    };
  }
  const properties = member(resource, 'properties');
  if (!isRecord(properties)) return { problem: `The resource ${name} in the AppSpec file has no Properties.` };
  return readProperties(properties, member(value, 'hooks'));
}

function readProperties(properties: Readonly<Record<string, unknown>>, hooks: unknown): Result {
  const functionName = text(member(properties, 'name'));
  if (functionName === undefined) return missing('Name');
  const alias = text(member(properties, 'alias'));
  if (alias === undefined) return missing('Alias');
  const currentVersion = text(member(properties, 'currentVersion'));
  if (currentVersion === undefined) return missing('CurrentVersion');
  const targetVersion = text(member(properties, 'targetVersion'));
  if (targetVersion === undefined) return missing('TargetVersion');
  for (const version of [currentVersion, targetVersion]) {
    if (!/^[1-9]\d*$/.test(version)) {
      return {
        problem: `The AppSpec file names the version ${version}: versions must be published, so positive numbers.`,
      };
    }
  }
  if (currentVersion === targetVersion) {
    return { problem: `The CurrentVersion and the TargetVersion in the AppSpec file are the same: ${currentVersion}.` };
  }
  const read = readHooks(hooks);
  if ('problem' in read) return read;
  return { appSpec: { functionName, alias, currentVersion, targetVersion, hooks: read.hooks } };
}

function missing(property: string): Result {
  return { problem: `The AppSpec file does not specify the property ${property} of its function.` };
}

function readHooks(value: unknown): Readonly<{ hooks: LambdaAppSpec['hooks'] } | { problem: string }> {
  if (value === undefined || value === null) return { hooks: {} };
  if (!Array.isArray(value)) return { problem: 'The Hooks section of the AppSpec file must be a list.' };
  const hooks: Partial<Record<LambdaHookName, string>> = {};
  for (const item of value) {
    if (!isRecord(item))
      return { problem: 'Each hook in the AppSpec file must be a map of a lifecycle event to a function.' };
    for (const [key, value] of Object.entries(item)) {
      const name = (['BeforeAllowTraffic', 'AfterAllowTraffic'] as const).find((known) => sameKey(known, key));
      if (name === undefined) return { problem: `The AppSpec file has a hook for the unknown lifecycle event ${key}.` };
      const hook = text(value);
      if (hook === undefined) return { problem: `The hook ${name} in the AppSpec file names no function.` };
      if (hooks[name] !== undefined) return { problem: `The AppSpec file has more than one hook for ${name}.` };
      hooks[name] = hook;
    }
  }
  return { hooks };
}

/** By name, whether its first letter is capital or not. */
function member(record: Readonly<Record<string, unknown>>, name: string): unknown {
  const key = Object.keys(record).find((each) => sameKey(each, name));
  return key === undefined ? undefined : record[key];
}

function sameKey(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Versions may be written as numbers. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : (JSON.stringify(value) ?? 'none');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
