/** AWS::S3::Bucket, AWS::SSM::Parameter, AWS::Logs::LogGroup. Source: CloudFormation User Guide, the reference of each type. */
import type { Json, JsonObject } from '../../../common/index.ts';
import {
  isSet,
  list,
  type Made,
  type Making,
  number,
  object,
  optional,
  type ResourceType,
  tagChanges,
  tagList,
  tagMap,
  text,
} from '../resource-type.ts';

export const bucket: ResourceType = {
  properties: ['BucketEncryption', 'BucketName', 'PublicAccessBlockConfiguration', 'Tags', 'VersioningConfiguration'],
  replaceOn: ['BucketName'],
  nameProperty: 'BucketName',
  attributes: ['Arn', 'DomainName', 'RegionalDomainName'],

  async create(making, properties) {
    const Bucket = making.nameOf(properties['BucketName'], 63, true);
    const { region } = making.scope;
    // In us-east-1 making one's own bucket again succeeds, so a name that is given is looked for first.
    if (properties['BucketName'] !== undefined) {
      const found = await making.ifThere('s3', 'HeadBucket', { Bucket });
      if (found !== undefined) throw new Error(`${Bucket} already exists`);
    }
    await making.makeOrAdopt(
      properties['BucketName'] === undefined,
      () =>
        making.call('s3', 'CreateBucket', {
          Bucket,
          ...(region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region } }),
        }),
      () => making.call('s3', 'HeadBucket', { Bucket }),
    );
    making.begun = Bucket;
    await setBucket(making, Bucket, properties, {});
    return bucketMade(Bucket, region);
  },

  async update(making, Bucket, properties, before) {
    await setBucket(making, Bucket, properties, before);
    return bucketMade(Bucket, making.scope.region);
  },

  async remove(making, Bucket) {
    await making.ifThere('s3', 'DeleteBucket', { Bucket });
  },
};

async function setBucket(making: Making, Bucket: string, after: JsonObject, before: JsonObject): Promise<void> {
  const isChanged = (key: string): boolean => JSON.stringify(after[key]) !== JSON.stringify(before[key]);
  if (isChanged('VersioningConfiguration')) {
    const Status = optional(object(after['VersioningConfiguration'])['Status']) ?? 'Suspended';
    await making.call('s3', 'PutBucketVersioning', { Bucket, VersioningConfiguration: { Status } });
  }
  if (isChanged('BucketEncryption')) {
    const Rules = list(object(after['BucketEncryption'])['ServerSideEncryptionConfiguration'])
      .map(object)
      .map(({ ServerSideEncryptionByDefault, BucketKeyEnabled }) => ({
        ApplyServerSideEncryptionByDefault: ServerSideEncryptionByDefault,
        ...(BucketKeyEnabled === undefined ? {} : { BucketKeyEnabled: isTrue(BucketKeyEnabled) }),
      }));
    if (Rules.length === 0) await making.call('s3', 'DeleteBucketEncryption', { Bucket });
    else await making.call('s3', 'PutBucketEncryption', { Bucket, ServerSideEncryptionConfiguration: { Rules } });
  }
  if (isChanged('PublicAccessBlockConfiguration')) {
    const flags = Object.entries(object(after['PublicAccessBlockConfiguration'])).map(([key, value]) => [
      key,
      isTrue(value),
    ]);
    if (flags.length === 0) await making.call('s3', 'DeletePublicAccessBlock', { Bucket });
    else {
      const PublicAccessBlockConfiguration = Object.fromEntries(flags) as Record<string, boolean>;
      await making.call('s3', 'PutPublicAccessBlock', { Bucket, PublicAccessBlockConfiguration });
    }
  }
  if (isChanged('Tags')) {
    const TagSet = tagList(tagMap(after['Tags']));
    if (TagSet.length === 0) await making.call('s3', 'DeleteBucketTagging', { Bucket });
    else await making.call('s3', 'PutBucketTagging', { Bucket, Tagging: { TagSet } });
  }
}

function isTrue(value: Json | undefined): boolean {
  return value === true || value === 'true';
}

function bucketMade(name: string, region: string): Made {
  return {
    physicalId: name,
    attributes: {
      Arn: `arn:aws:s3:::${name}`,
      DomainName: `${name}.s3.amazonaws.com`,
      RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
    },
  };
}

export const parameter: ResourceType = {
  properties: ['AllowedPattern', 'Description', 'Name', 'Tags', 'Type', 'Value'],
  required: ['Type', 'Value'],
  replaceOn: ['Name'],
  nameProperty: 'Name',
  attributes: ['Type', 'Value'],

  async create(making, properties) {
    const Name = making.nameOf(properties['Name'], 1_011);
    const Tags = tagList(tagMap(properties['Tags']));
    await making.makeOrAdopt<unknown>(
      properties['Name'] === undefined,
      () =>
        making.call('ssm', 'PutParameter', {
          ...parameterInput(Name, properties),
          ...(Tags.length === 0 ? {} : { Tags }),
        }),
      () => making.call('ssm', 'PutParameter', { ...parameterInput(Name, properties), Overwrite: true }),
    );
    return parameterMade(Name, properties);
  },

  async update(making, Name, properties, before) {
    await making.call('ssm', 'PutParameter', { ...parameterInput(Name, properties), Overwrite: true });
    const { set, gone } = tagChanges(before['Tags'], properties['Tags']);
    const resource = { ResourceType: 'Parameter', ResourceId: Name };
    if (isSet(set)) await making.call('ssm', 'AddTagsToResource', { ...resource, Tags: tagList(set) });
    if (gone.length > 0) await making.call('ssm', 'RemoveTagsFromResource', { ...resource, TagKeys: gone });
    return parameterMade(Name, properties);
  },

  async remove(making, Name) {
    await making.ifThere('ssm', 'DeleteParameter', { Name });
  },
};

function parameterInput(Name: string, { Type, Value, Description, AllowedPattern }: JsonObject): object {
  if (Type !== 'String' && Type !== 'StringList')
    throw new Error(`Type of AWS::SSM::Parameter: expected String or StringList, found ${text(Type)}`);
  return {
    Name,
    Type,
    Value: text(Value),
    Description: optional(Description),
    AllowedPattern: optional(AllowedPattern),
  };
}

function parameterMade(Name: string, { Type, Value }: JsonObject): Made {
  return { physicalId: Name, attributes: { Type: text(Type), Value: text(Value) } };
}

export const logGroup: ResourceType = {
  properties: ['LogGroupName', 'RetentionInDays', 'Tags'],
  replaceOn: ['LogGroupName'],
  nameProperty: 'LogGroupName',
  attributes: ['Arn'],

  async create(making, properties) {
    const logGroupName = making.nameOf(properties['LogGroupName'], 512);
    const tags = tagMap(properties['Tags']);
    await making.makeOrAdopt<unknown>(
      properties['LogGroupName'] === undefined,
      () => making.call('logs', 'CreateLogGroup', { logGroupName, ...(isSet(tags) ? { tags } : {}) }),
      () => Promise.resolve(undefined),
    );
    making.begun = logGroupName;
    await setRetention(making, logGroupName, properties, {});
    return logGroupMade(making, logGroupName);
  },

  async update(making, logGroupName, properties, before) {
    await setRetention(making, logGroupName, properties, before);
    const { set, gone } = tagChanges(before['Tags'], properties['Tags']);
    const { account, region } = making.scope;
    const resourceArn = `arn:aws:logs:${region}:${account}:log-group:${logGroupName}`;
    if (isSet(set)) await making.call('logs', 'TagResource', { resourceArn, tags: set });
    if (gone.length > 0) await making.call('logs', 'UntagResource', { resourceArn, tagKeys: gone });
    return logGroupMade(making, logGroupName);
  },

  async remove(making, logGroupName) {
    await making.ifThere('logs', 'DeleteLogGroup', { logGroupName });
  },
};

async function setRetention(
  making: Making,
  logGroupName: string,
  after: JsonObject,
  before: JsonObject,
): Promise<void> {
  const retentionInDays = number(after['RetentionInDays']);
  if (retentionInDays === number(before['RetentionInDays'])) return;
  if (retentionInDays === undefined) await making.call('logs', 'DeleteRetentionPolicy', { logGroupName });
  else await making.call('logs', 'PutRetentionPolicy', { logGroupName, retentionInDays });
}

function logGroupMade({ scope: { account, region } }: Making, name: string): Made {
  return { physicalId: name, attributes: { Arn: `arn:aws:logs:${region}:${account}:log-group:${name}:*` } };
}
