/** The words of identity that every room shares. The decision itself is in `core/policy`. */
import type { EpochMs } from './time.ts';

/**
 * Who is calling.
 * - `Root`: the account itself. - `User`: an IAM user. - `AssumedRole`: a session of a role.
 * - `FederatedUser`: a session of `sts:GetFederationToken`: a user's permissions, within what the session policies allow.
 * - `Service`: an AWS service acting as itself (`codepipeline.amazonaws.com`); `sourceArn` and `sourceAccount` say for
 *   which resource (the confused-deputy keys `aws:SourceArn`, `aws:SourceAccount`).
 * - `Anonymous`: an unsigned request.
 */
export type Principal =
  | Readonly<{ type: 'Root'; account: string; arn: string; temporary?: TemporaryCredentials }>
  | Readonly<{
      type: 'User';
      account: string;
      arn: string;
      userName: string;
      userId: string;
      temporary?: TemporaryCredentials;
    }>
  | Readonly<{
      type: 'AssumedRole';
      account: string;
      /** `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` */
      arn: string;
      roleArn: string;
      roleName: string;
      roleId: string;
      sessionName: string;
      /** Policy documents passed to AssumeRole, as JSON text. Absent: no session policy. */
      sessionPolicies?: readonly string[];
      sessionTags?: Readonly<Record<string, string>>;
      /** The session tags that pass on when this session assumes another role. */
      transitiveTagKeys?: readonly string[];
      sourceIdentity?: string;
      /** The identity provider's ARN, where the session is one of AssumeRoleWithWebIdentity (`aws:FederatedProvider`). */
      federatedProvider?: string;
      /** The claims of the web identity, as condition keys (`token.actions.githubusercontent.com:sub`). */
      federatedContext?: RequestContext;
      issuedAt: EpochMs;
      expiresAt: EpochMs;
    }>
  | Readonly<{
      type: 'FederatedUser';
      account: string;
      /** `arn:aws:sts::ACCOUNT:federated-user/NAME` */
      arn: string;
      name: string;
      /** The user, or the root, whose permissions the session has at most. */
      userArn: string;
      /** Absent where the root made the session. */
      userId?: string;
      /** Policy documents passed to GetFederationToken. Absent: no identity policy gives the session anything. */
      sessionPolicies?: readonly string[];
      sessionTags?: Readonly<Record<string, string>>;
      issuedAt: EpochMs;
      expiresAt: EpochMs;
    }>
  | Readonly<{ type: 'Service'; service: string; sourceArn?: string; sourceAccount?: string }>
  | Readonly<{ type: 'Anonymous' }>;

/** Set on a user or root that calls with credentials of `sts:GetSessionToken`. */
export type TemporaryCredentials = Readonly<{ issuedAt: EpochMs; expiresAt: EpochMs }>;

/** Temporary credentials and the principal that they speak for. */
export type Session = Readonly<{
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiresAt: EpochMs;
  principal: Principal;
}>;

/** Request context: condition keys as AWS spells them, each with one or several values. */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

/**
 * One thing that a call needs to be allowed. A call with several is allowed only if each is.
 * `resourcePolicies` are JSON texts of the policies on the resource (bucket, key, function, queue, role trust, ...).
 */
export type AccessRequest = Readonly<{
  /** `codepipeline:StartPipelineExecution` */
  action: string;
  /** The resource's ARN, or `*` for an action without one. */
  resource: string;
  /** The account that owns the resource; absent: the account the call is made in. */
  resourceAccount?: string;
  resourcePolicies?: readonly ResourcePolicy[];
  context?: RequestContext;
  /**
   * `Only`: the resource policy alone decides, identity policies count when it delegates to the account
   * (KMS keys, role trust). Absent: identity or resource policy in the same account, both across accounts.
   */
  resourcePolicyMode?: 'Only';
  /**
   * Something other than a policy that allows the action for this principal, by the name a decision calls it
   * (`grant 0c237476...` of a KMS key). It counts as an allow by the resource's owner and never overrides an explicit deny.
   */
  grantedBy?: string;
  /**
   * The call is judged as made by somebody that this identity provider (an ARN) vouches for, not as its caller, who is
   * nobody: AssumeRoleWithWebIdentity is unsigned.
   */
  federated?: Readonly<{ provider: string }>;
  /** Resource control policies do not bind what AWS itself owns, as the AWS managed keys of KMS. */
  exemptFromResourceControl?: boolean;
}>;

/** `name` is what a denial calls it: `bucket policy of demo-artifacts`, `key policy of arn:...`, `trust policy of ...`. */
export type ResourcePolicy = Readonly<{ name: string; document: string }>;
