import type { ResourceType } from '../resource-type.ts';
import { role } from './iam.ts';
import { lambdaAlias, lambdaFunction, lambdaVersion } from './lambda.ts';
import { queue, topic } from './messaging.ts';
import { bucket, logGroup, parameter } from './storage.ts';

/** The types that a template may name. */
export const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::IAM::Role': role,
  'AWS::Lambda::Alias': lambdaAlias,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::Version': lambdaVersion,
  'AWS::Logs::LogGroup': logGroup,
  'AWS::S3::Bucket': bucket,
  'AWS::SNS::Topic': topic,
  'AWS::SQS::Queue': queue,
  'AWS::SSM::Parameter': parameter,
};
