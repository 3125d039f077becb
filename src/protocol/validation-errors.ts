/**
 * The error that each service answers to an input which breaks its model's constraints. Services of one framework
 * (Coral) share the words and differ in the code; those with words of their own have a `style`.
 */
export type ValidationError = Readonly<{
  code: string;
  /** Where a missing member has a code of its own. */
  missingCode?: string;
  /**
   * `coral`: "1 validation error detected: Value null at 'name' failed to satisfy constraint: ...".
   * `ec2`: "The request must contain the parameter X".
   * `sns`: "Invalid parameter: X Reason: ...".
   * `s3`: per place of the member: URI and headers, or body.
   */
  style: 'coral' | 'ec2' | 'sns' | 's3';
  /** Where this is known from. */
  source: string;
}>;

const coral = (code: string, source: string): ValidationError => ({ code, style: 'coral', source });

export const VALIDATION_ERRORS: Readonly<Record<string, ValidationError>> = {
  appconfig: coral('BadRequestException', 'the only client error for bad input that its model lists'),
  appconfigdata: coral('BadRequestException', 'the only client error for bad input that its model lists'),
  autoscaling: coral('ValidationError', 'query protocol, Common Errors of its API reference'),
  cloudformation: coral('ValidationError', 'query protocol, Common Errors of its API reference'),
  cloudtrail: coral('InvalidParameterException', 'never used: each member has an exception of its own'),
  cloudwatch: coral('ValidationError', 'Common Errors of its API reference; the same in each of its protocols'),
  codeartifact: coral('ValidationException', 'its model, per operation'),
  codebuild: coral('InvalidInputException', 'its model: the only error for input on nearly every operation'),
  codecommit: coral('InvalidParameterException', 'never used: each member has an exception of its own'),
  codeconnections: coral('InvalidInputException', 'its model'),
  codedeploy: coral('ValidationException', 'never used: each member has an exception of its own'),
  codepipeline: coral(
    'ValidationException',
    'its model, every operation: "The validation was specified in an invalid format."',
  ),
  'codestar-connections': coral('InvalidInputException', 'its model'),
  ec2: {
    code: 'InvalidParameterValue',
    missingCode: 'MissingParameter',
    style: 'ec2',
    source: 'EC2 API Reference, Error codes',
  },
  ecr: coral('InvalidParameterException', 'its model, every operation'),
  ecs: coral('InvalidParameterException', 'its model, every operation'),
  elbv2: coral('ValidationError', 'query protocol, Common Errors of its API reference'),
  events: coral('ValidationException', 'Common Errors of its API reference'),
  iam: coral('ValidationError', 'Common Errors of its API reference'),
  kms: coral('ValidationException', 'Common Errors of its API reference'),
  lambda: coral('ValidationException', 'seen of Invoke and CreateFunction with bad names and runtimes'),
  logs: coral('InvalidParameterException', 'its model, every operation'),
  organizations: coral('InvalidInputException', 'its model, every operation'),
  s3: {
    code: 'InvalidArgument',
    missingCode: 'InvalidRequest',
    style: 's3',
    source: 'S3 API Reference, Error responses',
  },
  secretsmanager: coral('ValidationException', 'Common Errors of its API reference'),
  sns: {
    code: 'InvalidParameter',
    style: 'sns',
    source: 'its model: InvalidParameterException has the code InvalidParameter',
  },
  sqs: {
    code: 'InvalidParameterValue',
    missingCode: 'MissingParameter',
    style: 'ec2',
    source: 'Common Errors of its API reference',
  },
  ssm: coral('ValidationException', 'Common Errors of its API reference'),
  sts: coral('ValidationError', 'Common Errors of its API reference'),
};

export const DEFAULT_VALIDATION_ERROR = coral('ValidationException', 'Common Errors of most services');
