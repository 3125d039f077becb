/** AWS::Lambda::Function, Version and Alias. Source: CloudFormation User Guide, "AWS Lambda resource type reference". */
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { Json, JsonObject } from '../../../common/index.ts';
import {
  isSet,
  list,
  type Made,
  number,
  object,
  optional,
  type ResourceType,
  tagChanges,
  tagMap,
  text,
} from '../resource-type.ts';

type Configuration = Readonly<{ FunctionName: string; FunctionArn: string; Version: string }>;

const SETTINGS = ['Description', 'Environment', 'Handler', 'MemorySize', 'Role', 'Runtime', 'Timeout'];

export const lambdaFunction: ResourceType = {
  properties: [...SETTINGS, 'Code', 'FunctionName', 'Tags'],
  required: ['Code', 'Role'],
  replaceOn: ['FunctionName'],
  nameProperty: 'FunctionName',
  attributes: ['Arn'],

  async create(making, properties) {
    const FunctionName = making.nameOf(properties['FunctionName'], 64);
    const tags = tagMap(properties['Tags']);
    const Code = await codeOf(properties);
    const configuration = await making.makeOrAdopt<Configuration>(
      properties['FunctionName'] === undefined,
      () =>
        making.call('lambda', 'CreateFunction', {
          FunctionName,
          Code,
          ...settings(properties),
          ...(isSet(tags) ? { Tags: tags } : {}),
        }),
      () => making.call('lambda', 'GetFunctionConfiguration', { FunctionName }),
    );
    return functionMade(configuration);
  },

  async update(making, FunctionName, properties, before) {
    if (JSON.stringify(properties['Code']) !== JSON.stringify(before['Code']))
      await making.call('lambda', 'UpdateFunctionCode', { FunctionName, ...(await codeOf(properties)) });
    const changed = SETTINGS.some((key) => JSON.stringify(properties[key]) !== JSON.stringify(before[key]));
    if (changed) {
      await making.call('lambda', 'UpdateFunctionConfiguration', {
        FunctionName,
        // What the template no longer says goes back to what a new function has.
        Description: '',
        Timeout: 3,
        MemorySize: 128,
        Environment: { Variables: {} },
        ...settings(properties),
      });
    }
    const configuration = await making.call<Configuration>('lambda', 'GetFunctionConfiguration', { FunctionName });
    const { set, gone } = tagChanges(before['Tags'], properties['Tags']);
    const Resource = configuration.FunctionArn;
    if (isSet(set)) await making.call('lambda', 'TagResource', { Resource, Tags: set });
    if (gone.length > 0) await making.call('lambda', 'UntagResource', { Resource, TagKeys: gone });
    return functionMade(configuration);
  },

  async remove(making, FunctionName) {
    await making.ifThere('lambda', 'DeleteFunction', { FunctionName });
  },
};

/** What is undefined is left out, so that it does not undo a default. */
function settings(properties: JsonObject): object {
  const { Description, Environment, Handler, MemorySize, Role, Runtime, Timeout } = properties;
  const given = {
    Description: optional(Description),
    Handler: optional(Handler),
    MemorySize: number(MemorySize),
    Role: optional(Role),
    Runtime: optional(Runtime),
    Timeout: number(Timeout),
    Environment: Environment === undefined ? undefined : { Variables: texts(object(Environment)['Variables']) },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function texts(value: Json | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(object(value)).map(([key, each]) => [key, text(each)]));
}

/** Code in the template itself becomes the one file `index` of the runtime's language. */
async function codeOf(properties: JsonObject): Promise<object> {
  const { S3Bucket, S3Key, S3ObjectVersion, ZipFile: inline, ...others } = object(properties['Code']);
  const [strange] = Object.keys(others);
  if (strange !== undefined) throw new Error(`Code.${strange} of AWS::Lambda::Function is not implemented by Sluice`);
  if (inline === undefined) {
    return {
      S3Bucket: optional(S3Bucket),
      S3Key: optional(S3Key),
      ...(S3ObjectVersion === undefined ? {} : { S3ObjectVersion: text(S3ObjectVersion) }),
    };
  }
  const zip = new ZipFile();
  const name = text(properties['Runtime'] ?? '').startsWith('python') ? 'index.py' : 'index.js';
  zip.addBuffer(Buffer.from(text(inline)), name, { mtime: new Date(0) });
  zip.end();
  return { ZipFile: await buffer(zip.outputStream) };
}

function functionMade({ FunctionName, FunctionArn }: Configuration): Made {
  return { physicalId: FunctionName, attributes: { Arn: FunctionArn.split(':').slice(0, 7).join(':') } };
}

export const lambdaVersion: ResourceType = {
  properties: ['CodeSha256', 'Description', 'FunctionName'],
  required: ['FunctionName'],
  replaceOn: ['CodeSha256', 'Description', 'FunctionName'],
  attributes: ['Version', 'FunctionArn'],

  async create(making, { FunctionName, Description, CodeSha256 }) {
    // Publishing what has not changed gives the version there is, and so does publishing again.
    const { FunctionArn, Version } = await making.call<Configuration>('lambda', 'PublishVersion', {
      FunctionName: text(FunctionName),
      Description: optional(Description),
      CodeSha256: optional(CodeSha256),
    });
    return { physicalId: FunctionArn, attributes: { Version, FunctionArn } };
  },

  update: (_making, physicalId) => Promise.reject(new Error(`${physicalId} cannot be changed, only replaced`)),

  async remove(making, physicalId) {
    const parts = physicalId.split(':');
    const [Qualifier, FunctionName] = [parts.at(-1), parts.slice(0, -1).join(':')];
    await making.ifThere('lambda', 'DeleteFunction', { FunctionName, Qualifier });
  },
};

type Alias = Readonly<{ AliasArn: string }>;

export const lambdaAlias: ResourceType = {
  properties: ['Description', 'FunctionName', 'FunctionVersion', 'Name', 'RoutingConfig'],
  required: ['FunctionName', 'FunctionVersion', 'Name'],
  replaceOn: ['FunctionName', 'Name'],
  nameProperty: 'Name',
  attributes: ['AliasArn'],

  async create(making, properties) {
    const { AliasArn } = await making.call<Alias>('lambda', 'CreateAlias', aliasInput(properties));
    return { physicalId: AliasArn, attributes: { AliasArn } };
  },

  async update(making, _physicalId, properties) {
    const { AliasArn } = await making.call<Alias>('lambda', 'UpdateAlias', aliasInput(properties));
    return { physicalId: AliasArn, attributes: { AliasArn } };
  },

  async remove(making, _physicalId, properties) {
    const { FunctionName, Name } = aliasInput(properties);
    await making.ifThere('lambda', 'DeleteAlias', { FunctionName, Name });
  },
};

function aliasInput({ FunctionName, Name, FunctionVersion, Description, RoutingConfig }: JsonObject) {
  const weights = list(object(RoutingConfig)['AdditionalVersionWeights'])
    .map(object)
    .map((each) => [text(each['FunctionVersion']), Number(each['FunctionWeight'])]);
  return {
    FunctionName: text(FunctionName),
    Name: text(Name),
    FunctionVersion: text(FunctionVersion),
    Description: text(Description ?? ''),
    RoutingConfig: { AdditionalVersionWeights: Object.fromEntries(weights) as Record<string, number> },
  };
}
