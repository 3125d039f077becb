/**
 * The configuration of an action against its type: required and unknown keys, and values that Sluice would otherwise
 * have to ignore. Source: CodePipeline User Guide, "Action structure reference", the page of each action.
 */
import type { ActionDeclaration, ActionTypeDefinition, Problem } from './types.ts';

export function checkActionConfiguration(action: ActionDeclaration, type: ActionTypeDefinition): Problem | undefined {
  const configuration = action.configuration ?? {};
  const where = `Action configuration for action '${action.name}'`;
  for (const property of type.properties) {
    if (property.required && configuration[property.name] === undefined) {
      return refuse(`${where} is missing required configuration '${property.name}'`);
    }
  }
  const known = new Set(type.properties.map((property) => property.name));
  const unknown = Object.keys(configuration).find((key) => !known.has(key));
  if (unknown !== undefined) return refuse(`${where} contains unknown configuration '${unknown}'`);
  if (type.id.owner !== 'AWS') return undefined;
  const { category, provider } = type.id;
  return PROVIDER_RULES[`${category}/${provider}`]?.(action, configuration, where);
}

type Rule = (
  action: ActionDeclaration,
  configuration: Readonly<Record<string, string>>,
  where: string,
) => Problem | undefined;

const PROVIDER_RULES: Readonly<Record<string, Rule>> = {
  'Source/S3': (_, configuration, where) =>
    booleanKey(configuration, 'PollForSourceChanges', where) ??
    booleanKey(configuration, 'AllowOverrideForS3ObjectKey', where),
  'Source/CodeCommit': (_, configuration, where) =>
    booleanKey(configuration, 'PollForSourceChanges', where) ??
    oneOf(configuration, 'OutputArtifactFormat', ['CODE_ZIP', 'CODEBUILD_CLONE_REF'], where) ??
    notYet(configuration, 'OutputArtifactFormat', 'CODEBUILD_CLONE_REF', where),
  'Build/CodeBuild': codeBuildRule,
  'Test/CodeBuild': codeBuildRule,
  'Deploy/S3': (_, configuration, where) => {
    const invalid = booleanKey(configuration, 'Extract', where);
    if (invalid !== undefined) return invalid;
    if (configuration['Extract'] === 'false' && configuration['ObjectKey'] === undefined) {
      return refuse(`${where} is missing required configuration 'ObjectKey'`);
    }
    return configuration['CannedACL'] === undefined
      ? undefined
      : refuse(`${where} contains 'CannedACL', which is not implemented by Sluice`);
  },
};

function codeBuildRule(
  action: ActionDeclaration,
  configuration: Readonly<Record<string, string>>,
  where: string,
): Problem | undefined {
  const invalid =
    booleanKey(configuration, 'BatchEnabled', where) ??
    booleanKey(configuration, 'CombineArtifacts', where) ??
    notYet(configuration, 'BatchEnabled', 'true', where) ??
    notYet(configuration, 'CombineArtifacts', 'true', where);
  if (invalid !== undefined) return invalid;
  const inputs = (action.inputArtifacts ?? []).map((artifact) => artifact.name);
  const primary = configuration['PrimarySource'];
  if (primary === undefined && inputs.length > 1) {
    return refuse(`${where} is missing required configuration 'PrimarySource'`);
  }
  if (primary !== undefined && !inputs.includes(primary)) {
    return refuse(`${where} has 'PrimarySource' ${primary}, which is not one of the action's input artifacts`);
  }
  const variables = configuration['EnvironmentVariables'];
  return variables === undefined || environmentVariables(variables) !== undefined
    ? undefined
    : refuse(
        `${where} has 'EnvironmentVariables' that are not a JSON array of objects with a name, a value and optionally a type of PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER`,
      );
}

export type EnvironmentVariable = Readonly<{ name: string; value: string; type: string }>;

/** Reads the JSON text of the CodeBuild action's `EnvironmentVariables`; undefined when it is not of that form. */
export function environmentVariables(text: string): EnvironmentVariable[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const variables: EnvironmentVariable[] = [];
  for (const item of parsed as unknown[]) {
    if (typeof item !== 'object' || item === null) return undefined;
    const { name, value, type = 'PLAINTEXT' } = item as Record<string, unknown>;
    if (typeof name !== 'string' || name === '' || typeof value !== 'string' || typeof type !== 'string')
      return undefined;
    if (!['PLAINTEXT', 'PARAMETER_STORE', 'SECRETS_MANAGER'].includes(type)) return undefined;
    variables.push({ name, value, type });
  }
  return variables;
}

function booleanKey(configuration: Readonly<Record<string, string>>, key: string, where: string): Problem | undefined {
  return oneOf(configuration, key, ['true', 'false'], where);
}

function oneOf(
  configuration: Readonly<Record<string, string>>,
  key: string,
  allowed: readonly string[],
  where: string,
): Problem | undefined {
  const value = configuration[key];
  return value === undefined || allowed.includes(value)
    ? undefined
    : refuse(`${where} has an invalid value for '${key}': ${value}. Valid values: ${allowed.join(', ')}`);
}

function notYet(
  configuration: Readonly<Record<string, string>>,
  key: string,
  value: string,
  where: string,
): Problem | undefined {
  return configuration[key] === value
    ? refuse(`${where} has '${key}' ${value}, which is not implemented by Sluice`)
    : undefined;
}

function refuse(message: string): Problem {
  return { code: 'InvalidActionDeclarationException', message };
}
