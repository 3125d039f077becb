/** Parameter Store. SecureString values lie as KMS ciphertext and are opened as the caller. */
import type {
  DeleteParameterRequest,
  DeleteParametersRequest,
  DeleteParametersResult,
  DescribeParametersRequest,
  DescribeParametersResult,
  GetParameterHistoryRequest,
  GetParameterHistoryResult,
  GetParameterRequest,
  GetParameterResult,
  GetParametersByPathRequest,
  GetParametersByPathResult,
  GetParametersRequest,
  GetParametersResult,
  LabelParameterVersionRequest,
  LabelParameterVersionResult,
  Parameter as WireParameter,
  ParameterMetadata,
  PutParameterRequest,
  PutParameterResult,
} from '@aws-sdk/client-ssm';
import { AwsError, isAwsError } from '../../common/index.ts';
import type { Stored } from '../../store/index.ts';
import { principalArn } from '../principal-arn.ts';
import { type Call, operation, type Scope } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  access,
  latest,
  locate,
  nameOf,
  notFound,
  type Parameter,
  parameterArn,
  parameterKey,
  parameters,
  type ParameterVersion,
  requireParameter,
  sharedAccess,
  type Tier,
} from './records.ts';

const LARGEST_STANDARD_BYTES = 4_096;
const LARGEST_ADVANCED_BYTES = 8_192;
const MOST_VERSIONS = 100;
const MOST_LABELS = 10;
const DEEPEST = 15;

export const putParameter = operation<PutParameterRequest, PutParameterResult>({
  authorize: ({ Name }, call) => access('PutParameter', [Name], call),
  handle: async (input, call) => {
    const name = input.Name ?? '';
    checkPut(input, name);
    const key = parameterKey(call, name);
    // The value is sealed by KMS outside the transaction; whoever wrote in between makes us look again.
    for (;;) {
      const before = await parameters.get(call.house.store, key);
      const tier = tierOf(input, before?.document);
      const next = await nextVersion(input, name, before?.document, call);
      const tags =
        before?.document.tags ?? Object.fromEntries((input.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
      const versions = withoutOldest([...(before?.document.versions ?? []), next], name);
      const document: Parameter = { ...before?.document, name, versions, tags, tier };
      const saved =
        before === undefined
          ? await parameters.insert(call.house.store, key, document)
          : await parameters.update(call.house.store, key, document, { expectedVersion: before.version });
      if (saved) return { Version: next.version, Tier: tier };
    }
  },
});

/** A parameter that is advanced stays so. Source: Systems Manager User Guide, "Managing parameter tiers". */
function tierOf(input: PutParameterRequest, before: Parameter | undefined): Tier {
  const tier = before?.tier === 'Advanced' ? 'Advanced' : ((input.Tier ?? 'Standard') as Tier);
  if (input.Tier === 'Standard' && tier === 'Advanced')
    throw new AwsError(
      'ValidationException',
      "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
    );
  const bytes = Buffer.byteLength(input.Value ?? '');
  if (tier === 'Standard' && bytes > LARGEST_STANDARD_BYTES)
    throw new AwsError(
      'ValidationException',
      `Standard tier parameters support a maximum parameter value of ${LARGEST_STANDARD_BYTES} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.`,
    );
  if (bytes > LARGEST_ADVANCED_BYTES)
    throw new AwsError(
      'ValidationException',
      `Advanced tier parameters support a maximum parameter value of ${LARGEST_ADVANCED_BYTES} characters.`,
    );
  return tier;
}

/** The oldest version makes room, unless a label holds it. */
function withoutOldest(versions: readonly ParameterVersion[], name: string): readonly ParameterVersion[] {
  const [oldest, ...rest] = versions;
  if (oldest === undefined || versions.length <= MOST_VERSIONS) return versions;
  if (oldest.labels.length === 0) return rest;
  throw new AwsError(
    'ParameterMaxVersionLimitExceeded',
    `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. Version ${oldest.version}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.`,
  );
}

async function nextVersion(
  input: PutParameterRequest,
  name: string,
  before: Parameter | undefined,
  call: Call,
): Promise<ParameterVersion> {
  if (before !== undefined && input.Overwrite !== true) {
    throw new AwsError(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    );
  }
  if (before !== undefined && input.Tags !== undefined) {
    throw new AwsError(
      'ValidationException',
      "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
    );
  }
  const value = input.Value ?? '';
  const previous = before === undefined ? undefined : latest(before);
  const type = (input.Type ?? previous?.type) as ParameterVersion['type'] | undefined;
  if (type === undefined)
    throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.');
  const pattern = input.AllowedPattern ?? previous?.allowedPattern;
  if (pattern !== undefined) checkPattern(pattern, value);
  const keyId = type === 'SecureString' ? (input.KeyId ?? previous?.keyId ?? 'alias/aws/ssm') : undefined;
  return {
    version: (previous?.version ?? 0) + 1,
    value: keyId === undefined ? value : await seal(call, name, keyId, value),
    type,
    keyId,
    description: input.Description ?? previous?.description,
    allowedPattern: pattern,
    dataType: input.DataType ?? previous?.dataType ?? 'text',
    changedAt: call.now,
    changedBy: principalArn(call.principal),
    labels: [],
  };
}

function checkPut(input: PutParameterRequest, name: string): void {
  if (input.Tier !== undefined && input.Tier !== 'Standard' && input.Tier !== 'Advanced')
    throw new AwsError(
      'ValidationException',
      `Tier ${input.Tier} is not implemented by Sluice: Standard and Advanced are.`,
    );
  if (input.Policies !== undefined && input.Policies !== '' && input.Policies !== '[]')
    throw new AwsError('ValidationException', 'Parameter policies are not implemented by Sluice.');
  if (input.DataType !== undefined && input.DataType !== 'text')
    throw new AwsError('ValidationException', `DataType ${input.DataType} is not implemented by Sluice: only text is.`);
  if (!/^[\w./-]+$/.test(name))
    throw new AwsError(
      'ValidationException',
      `Parameter name: can't be prefixed with "ssm" (case-insensitive) and may contain only a-zA-Z0-9_.-/`,
    );
  if (/^\/?(aws|ssm)/i.test(name))
    throw new AwsError('AccessDeniedException', `No access to reserved parameter name: ${name}.`);
  if (name.includes('/') && !name.startsWith('/'))
    throw new AwsError('ValidationException', 'Parameter name must be a fully qualified name.');
  if (name.split('/').length - 1 > DEEPEST)
    throw new AwsError('HierarchyLevelLimitExceededException', `A hierarchy can have a maximum of ${DEEPEST} levels.`);
}

function checkPattern(pattern: string, value: string): void {
  if (pattern.length > 1024 || /\([^)]*[+*][^)]*\)[+*{]/.test(pattern))
    throw new AwsError('InvalidAllowedPatternException', `The AllowedPattern is not valid: ${pattern}`);
  let expression: RegExp;
  try {
    expression = new RegExp(`^(?:${pattern})$`);
  } catch {
    throw new AwsError('InvalidAllowedPatternException', `The AllowedPattern is not valid: ${pattern}`);
  }
  if (!expression.test(value))
    throw new AwsError(
      'ParameterPatternMismatchException',
      `Parameter value, cannot be validated against allowedPattern: ${pattern}`,
    );
}

export const getParameter = operation<GetParameterRequest, GetParameterResult>({
  authorize: ({ Name }, call) => sharedAccess('GetParameter', [Name], call),
  handle: async (input, call) => {
    const found = await lookUp(call, input.Name ?? '', input.WithDecryption === true);
    if (found === undefined) throw new AwsError('ParameterNotFound', `Parameter ${input.Name} not found.`);
    return { Parameter: found };
  },
});

export const getParameters = operation<GetParametersRequest, GetParametersResult>({
  authorize: ({ Names }, call) => sharedAccess('GetParameters', Names ?? [''], call),
  handle: async (input, call) => {
    const found: WireParameter[] = [];
    const invalid: string[] = [];
    for (const name of new Set(input.Names ?? [])) {
      const parameter = await lookUp(call, name, input.WithDecryption === true).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ParameterVersionNotFound') return undefined;
        throw error;
      });
      if (parameter === undefined) invalid.push(name);
      else found.push(parameter);
    }
    return { Parameters: found, InvalidParameters: invalid };
  },
});

export const getParametersByPath = operation<GetParametersByPathRequest, GetParametersByPathResult>({
  authorize: ({ Path }, call) => access('GetParametersByPath', [Path], call),
  handle: async (input, call) => {
    if ((input.ParameterFilters ?? []).length > 0)
      throw new AwsError('InvalidFilterKey', 'ParameterFilters of GetParametersByPath are not implemented by Sluice.');
    const path = input.Path ?? '';
    if (!path.startsWith('/'))
      throw new AwsError(
        'ValidationException',
        'The parameter doesn\'t meet the parameter name requirements. The parameter name must begin with a forward slash "/".',
      );
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const limit = input.MaxResults ?? 10;
    const after = decodePage(input.NextToken);
    const stored = (
      await parameters.list(call.house.store, {
        account: call.account,
        region: call.region,
        idPrefix: prefix,
        ...(after === undefined ? {} : { after }),
      })
    ).filter(({ key }) => input.Recursive === true || !key.id.slice(prefix.length).includes('/'));
    const page = stored.slice(0, limit);
    const found = await Promise.all(
      page.map(({ document }) =>
        shown(call, call, document, latest(document), input.WithDecryption === true, undefined),
      ),
    );
    return { Parameters: found, ...(stored.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}) };
  },
});

export const deleteParameter = operation<DeleteParameterRequest, object>({
  authorize: ({ Name }, call) => access('DeleteParameter', [Name], call),
  handle: async (input, call) => {
    const name = nameOf(input.Name ?? '', call);
    if (!(await parameters.delete(call.house.store, parameterKey(call, name))))
      throw new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
    return {};
  },
});

export const deleteParameters = operation<DeleteParametersRequest, DeleteParametersResult>({
  authorize: ({ Names }, call) => access('DeleteParameters', Names ?? [''], call),
  handle: async (input, call) => {
    const deleted: string[] = [];
    const invalid: string[] = [];
    for (const name of input.Names ?? []) {
      ((await parameters.delete(call.house.store, parameterKey(call, nameOf(name, call)))) ? deleted : invalid).push(
        name,
      );
    }
    return { DeletedParameters: deleted, InvalidParameters: invalid };
  },
});

export const describeParameters = operation<DescribeParametersRequest, DescribeParametersResult>({
  handle: async (input, call) => {
    if ((input.Filters ?? []).length > 0)
      throw new AwsError('InvalidFilterKey', 'Filters are not implemented by Sluice: use ParameterFilters.');
    const filters = (input.ParameterFilters ?? []).map(compileMetadataFilter);
    const limit = input.MaxResults ?? 50;
    const after = decodePage(input.NextToken);
    const stored = (
      await parameters.list(call.house.store, {
        account: call.account,
        region: call.region,
        ...(after === undefined ? {} : { after }),
      })
    ).filter(({ document }) => filters.every((filter) => filter(document)));
    const page = stored.slice(0, limit);
    return {
      Parameters: page.map(({ document }) => metadata(call, document)),
      ...(stored.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

function compileMetadataFilter(
  filter: Readonly<{ Key: string | undefined; Option?: string | undefined; Values?: string[] | undefined }>,
): (parameter: Parameter) => boolean {
  const { Key: key, Values: values = [], Option: option = 'Equals' } = filter;
  if (key === 'Name' && option === 'Equals') return ({ name }) => values.includes(name);
  if (key === 'Name' && option === 'BeginsWith')
    return ({ name }) => values.some((value) => name.startsWith(value) || name.startsWith(`/${value}`));
  if (key === 'Name' && option === 'Contains') return ({ name }) => values.some((value) => name.includes(value));
  if (key === 'Type' && option === 'Equals') return (parameter) => values.includes(latest(parameter).type);
  if (key === 'Path' && (option === 'OneLevel' || option === 'Recursive')) {
    return ({ name }) =>
      values.some((path) => {
        const prefix = path.endsWith('/') ? path : `${path}/`;
        return name.startsWith(prefix) && (option === 'Recursive' || !name.slice(prefix.length).includes('/'));
      });
  }
  if (key?.startsWith('tag:') === true) return ({ tags }) => values.includes(tags[key.slice(4)] ?? '');
  throw new AwsError('InvalidFilterKey', `The filter key ${key} with option ${option} is not implemented by Sluice.`);
}

export const getParameterHistory = operation<GetParameterHistoryRequest, GetParameterHistoryResult>({
  authorize: ({ Name }, call) => sharedAccess('GetParameterHistory', [Name], call),
  handle: async (input, call) => {
    const { owner, stored } = await locate(call.house.store, input.Name ?? '', call);
    if (stored === undefined) throw notFound(input.Name ?? '');
    const { document, key } = stored;
    const limit = input.MaxResults ?? 50;
    const from = Number(decodePage(input.NextToken)?.sort ?? 0);
    const page = document.versions.slice(from, from + limit);
    const found = await Promise.all(
      page.map(async (version) => {
        const { Value, Version, DataType } = await shown(
          call,
          owner,
          document,
          version,
          input.WithDecryption === true,
          undefined,
        );
        return { ...metadata(owner, document, version), Value, Version, DataType, Labels: [...version.labels] };
      }),
    );
    const more = from + limit < document.versions.length;
    return {
      Parameters: found,
      ...(more ? { NextToken: encodePage({ key, sort: String(from + limit) } as Stored<unknown>) } : {}),
    };
  },
});

export const labelParameterVersion = operation<LabelParameterVersionRequest, LabelParameterVersionResult>({
  authorize: ({ Name }, call) => access('LabelParameterVersion', [Name], call),
  handle: async (input, call) =>
    call.house.store.transaction(async (tx) => {
      const { document, key } = await requireParameter(tx, call, nameOf(input.Name ?? '', call));
      const wanted = input.ParameterVersion ?? latest(document).version;
      if (!document.versions.some(({ version }) => version === wanted))
        throw versionNotFound(document.name, String(wanted));
      const labels = input.Labels ?? [];
      const invalid = labels.filter((label) => !/^[a-zA-Z_.-][\w.-]*$/.test(label) || /^(aws|ssm)/i.test(label));
      const valid = labels.filter((label) => !invalid.includes(label));
      const versions = document.versions.map((version) => ({
        ...version,
        labels:
          version.version === wanted
            ? [...new Set([...version.labels, ...valid])]
            : version.labels.filter((label) => !valid.includes(label)),
      }));
      if (versions.some((version) => version.labels.length > MOST_LABELS))
        throw new AwsError(
          'ParameterVersionLabelLimitExceeded',
          `A parameter version can have a maximum of ${MOST_LABELS} labels.`,
        );
      await parameters.update(tx, key, { ...document, versions });
      return { InvalidLabels: invalid, ParameterVersion: wanted };
    }),
});

async function lookUp(call: Call, text: string, decrypt: boolean): Promise<WireParameter | undefined> {
  const { owner, name, selector, stored } = await locate(call.house.store, text, call);
  if (stored === undefined) return undefined;
  const { document } = stored;
  const version =
    selector === undefined
      ? latest(document)
      : document.versions.find(
          (candidate) => String(candidate.version) === selector || candidate.labels.includes(selector),
        );
  if (version === undefined) throw versionNotFound(name, selector ?? '');
  return shown(call, owner, document, version, decrypt, selector);
}

/** `owner`: where the parameter lies; it is opened as the caller. */
async function shown(
  call: Call,
  owner: Scope,
  parameter: Parameter,
  version: ParameterVersion,
  decrypt: boolean,
  selector: string | undefined,
): Promise<WireParameter> {
  const value =
    version.keyId !== undefined && decrypt
      ? await unseal(call, parameterArn(owner, parameter.name), version.value)
      : version.value;
  return {
    Name: parameter.name,
    Type: version.type,
    Value: value,
    Version: version.version,
    ...(selector === undefined ? {} : { Selector: `:${selector}` }),
    LastModifiedDate: new Date(version.changedAt),
    ARN: parameterArn(owner, parameter.name),
    DataType: version.dataType,
  };
}

function metadata(
  owner: Scope,
  parameter: Parameter,
  version: ParameterVersion = latest(parameter),
): ParameterMetadata {
  return {
    Name: parameter.name,
    ARN: parameterArn(owner, parameter.name),
    Type: version.type,
    ...(version.keyId === undefined ? {} : { KeyId: version.keyId }),
    LastModifiedDate: new Date(version.changedAt),
    LastModifiedUser: version.changedBy,
    ...(version.description === undefined ? {} : { Description: version.description }),
    ...(version.allowedPattern === undefined ? {} : { AllowedPattern: version.allowedPattern }),
    Version: version.version,
    Tier: parameter.tier ?? 'Standard',
    Policies: [],
    DataType: version.dataType,
  };
}

/** Under the parameter's ARN as encryption context, as Parameter Store does; with the caller's own KMS permissions. */
async function seal(call: Call, name: string, keyId: string, value: string): Promise<string> {
  const { CiphertextBlob } = await call
    .forward(`ssm.${call.region}.amazonaws.com`)
    .call<{ CiphertextBlob: Uint8Array }>('kms', 'Encrypt', {
      KeyId: keyId,
      Plaintext: new TextEncoder().encode(value),
      EncryptionContext: { PARAMETER_ARN: parameterArn(call, name) },
    })
    .catch(fromKms);
  return Buffer.from(CiphertextBlob).toString('base64');
}

async function unseal(call: Call, arn: string, ciphertext: string): Promise<string> {
  const { Plaintext } = await call
    .forward(`ssm.${call.region}.amazonaws.com`)
    .call<{ Plaintext: Uint8Array }>('kms', 'Decrypt', {
      CiphertextBlob: new Uint8Array(Buffer.from(ciphertext, 'base64')),
      EncryptionContext: { PARAMETER_ARN: arn },
    })
    .catch(fromKms);
  return Buffer.from(Plaintext).toString('utf8');
}

/** A missing grant passes as KMS words it; a key that is gone, disabled or of another kind is an InvalidKeyId. */
function fromKms(error: unknown): never {
  if (!isAwsError(error) || (error.statusCode ?? 400) >= 500 || error.code.startsWith('AccessDenied')) throw error;
  throw new AwsError('InvalidKeyId', error.message, { cause: error });
}

function versionNotFound(name: string, version: string): AwsError {
  return new AwsError(
    'ParameterVersionNotFound',
    `Systems Manager could not find version ${version} of ${name}. Verify the version and try again.`,
  );
}
