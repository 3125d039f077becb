/**
 * OpenID Connect providers: whose tokens the roles of an account may trust (`AssumeRoleWithWebIdentity`).
 * Source: IAM API Reference, the OpenID Connect provider operations; IAM User Guide, "Create an OpenID Connect (OIDC)
 * identity provider in IAM".
 *
 * Differs from AWS: a provider without thumbprints gets none, since certificates are checked against the machine's list of
 * authorities, and a URL may be `http` and name a port where it stays on this machine, so that a test can be its own issuer.
 */
import type {
  AddClientIDToOpenIDConnectProviderRequest,
  CreateOpenIDConnectProviderRequest,
  CreateOpenIDConnectProviderResponse,
  DeleteOpenIDConnectProviderRequest,
  GetOpenIDConnectProviderRequest,
  GetOpenIDConnectProviderResponse,
  ListOpenIDConnectProvidersResponse,
  ListOpenIDConnectProviderTagsRequest,
  ListOpenIDConnectProviderTagsResponse,
  RemoveClientIDFromOpenIDConnectProviderRequest,
  TagOpenIDConnectProviderRequest,
  UntagOpenIDConnectProviderRequest,
  UpdateOpenIDConnectProviderThumbprintRequest,
} from '@aws-sdk/client-iam';
import { type AccessRequest, AwsError, parseArn, type RequestContext } from '../../common/index.ts';
import {
  hostAndPathOf,
  oidcProviderKey,
  type OidcProviderRecord,
  oidcProviders,
  type Queryable,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { isLoopbackHost } from '../loopback-host.ts';
import { requestTags, resourceTags, tagKeys } from './access.ts';
import { change } from './identity-cache.ts';
import { slicePage } from './listing.ts';
import { noSuchEntity, quotaExceeded, tagsMember, wireTags, withoutTags, withTags } from './records.ts';

const MOST_PROVIDERS = 100;
const MOST_CLIENT_IDS = 100;
const MOST_THUMBPRINTS = 5;

export const createOpenIDConnectProvider = operation<
  CreateOpenIDConnectProviderRequest,
  CreateOpenIDConnectProviderResponse
>({
  authorize: ({ Url, Tags }, call) => [
    {
      action: 'iam:CreateOpenIDConnectProvider',
      resource: arnOf(call.account, typeof Url === 'string' ? Url : '*'),
      context: requestTags(Tags),
    },
  ],
  handle: async ({ Url = '', ClientIDList = [], ThumbprintList = [], Tags }, call) => {
    checkUrl(Url);
    const provider: OidcProviderRecord = {
      url: Url,
      arn: arnOf(call.account, Url),
      clientIds: clientIds(ClientIDList),
      thumbprints: thumbprints(ThumbprintList),
      createdAt: call.now,
      tags: withTags({}, Tags),
    };
    await change(call, async (tx) => {
      if ((await oidcProviders.count(tx, { account: call.account })) >= MOST_PROVIDERS) {
        throw quotaExceeded('OpenIdConnectProvidersPerAccount', MOST_PROVIDERS);
      }
      if (!(await oidcProviders.insert(tx, oidcProviderKey(call.account, hostAndPathOf(Url)), provider))) {
        throw new AwsError('EntityAlreadyExistsException', `Provider with url ${Url} already exists.`);
      }
    });
    return { OpenIDConnectProviderArn: provider.arn, ...tagsMember(provider.tags) };
  },
});

export const getOpenIDConnectProvider = operation<GetOpenIDConnectProviderRequest, GetOpenIDConnectProviderResponse>({
  authorize: async ({ OpenIDConnectProviderArn: arn }, call) => onProvider(call, 'iam:GetOpenIDConnectProvider', arn),
  handle: async ({ OpenIDConnectProviderArn = '' }, call) => {
    const provider = await existing(call.house.store, call, OpenIDConnectProviderArn);
    return {
      // As AWS shows it: without the scheme.
      Url: hostAndPathOf(provider.url),
      ClientIDList: [...provider.clientIds],
      ThumbprintList: [...provider.thumbprints],
      CreateDate: new Date(provider.createdAt),
      ...tagsMember(provider.tags),
    };
  },
});

export const listOpenIDConnectProviders = operation<object, ListOpenIDConnectProvidersResponse>({
  handle: async (_, call) => ({
    OpenIDConnectProviderList: (await oidcProviders.list(call.house.store, { account: call.account })).map(
      ({ document }) => ({ Arn: document.arn }),
    ),
  }),
});

export const deleteOpenIDConnectProvider = operation<DeleteOpenIDConnectProviderRequest, object>({
  authorize: async ({ OpenIDConnectProviderArn: arn }, call) =>
    onProvider(call, 'iam:DeleteOpenIDConnectProvider', arn),
  handle: async ({ OpenIDConnectProviderArn = '' }, call) => {
    // Deleting one that is gone is no error.
    const key = keyOf(call, OpenIDConnectProviderArn);
    await change(call, async (tx) => {
      await oidcProviders.delete(tx, key);
    });
    return {};
  },
});

export const updateOpenIDConnectProviderThumbprint = operation<UpdateOpenIDConnectProviderThumbprintRequest, object>({
  authorize: async ({ OpenIDConnectProviderArn: arn }, call) =>
    onProvider(call, 'iam:UpdateOpenIDConnectProviderThumbprint', arn),
  handle: async ({ OpenIDConnectProviderArn = '', ThumbprintList = [] }, call) => {
    const given = thumbprints(ThumbprintList);
    await edit(call, OpenIDConnectProviderArn, (provider) => ({ ...provider, thumbprints: given }));
    return {};
  },
});

export const addClientIDToOpenIDConnectProvider = operation<AddClientIDToOpenIDConnectProviderRequest, object>({
  authorize: async ({ OpenIDConnectProviderArn: arn }, call) =>
    onProvider(call, 'iam:AddClientIDToOpenIDConnectProvider', arn),
  handle: async ({ OpenIDConnectProviderArn = '', ClientID = '' }, call) => {
    await edit(call, OpenIDConnectProviderArn, (provider) => ({
      ...provider,
      clientIds: clientIds([...provider.clientIds, ClientID]),
    }));
    return {};
  },
});

export const removeClientIDFromOpenIDConnectProvider = operation<
  RemoveClientIDFromOpenIDConnectProviderRequest,
  object
>({
  authorize: async ({ OpenIDConnectProviderArn: arn }, call) =>
    onProvider(call, 'iam:RemoveClientIDFromOpenIDConnectProvider', arn),
  handle: async ({ OpenIDConnectProviderArn = '', ClientID = '' }, call) => {
    await edit(call, OpenIDConnectProviderArn, (provider) => ({
      ...provider,
      clientIds: provider.clientIds.filter((id) => id !== ClientID),
    }));
    return {};
  },
});

export const tagOpenIDConnectProvider = operation<TagOpenIDConnectProviderRequest, object>({
  authorize: async ({ OpenIDConnectProviderArn: arn, Tags }, call) =>
    onProvider(call, 'iam:TagOpenIDConnectProvider', arn, requestTags(Tags)),
  handle: async ({ OpenIDConnectProviderArn = '', Tags }, call) => {
    await edit(call, OpenIDConnectProviderArn, (provider) => ({ ...provider, tags: withTags(provider.tags, Tags) }));
    return {};
  },
});

export const untagOpenIDConnectProvider = operation<UntagOpenIDConnectProviderRequest, object>({
  authorize: async ({ OpenIDConnectProviderArn: arn, TagKeys }, call) =>
    onProvider(call, 'iam:UntagOpenIDConnectProvider', arn, tagKeys(TagKeys)),
  handle: async ({ OpenIDConnectProviderArn = '', TagKeys }, call) => {
    await edit(call, OpenIDConnectProviderArn, (provider) => ({
      ...provider,
      tags: withoutTags(provider.tags, TagKeys),
    }));
    return {};
  },
});

export const listOpenIDConnectProviderTags = operation<
  ListOpenIDConnectProviderTagsRequest,
  ListOpenIDConnectProviderTagsResponse
>({
  authorize: async ({ OpenIDConnectProviderArn: arn }, call) =>
    onProvider(call, 'iam:ListOpenIDConnectProviderTags', arn),
  handle: async (input, call) => {
    const provider = await existing(call.house.store, call, input.OpenIDConnectProviderArn ?? '');
    const { items, end } = slicePage(wireTags(provider.tags), ({ Key }) => Key, input);
    return { Tags: items, ...end };
  },
});

async function onProvider(
  call: Call,
  action: string,
  arn: string | undefined,
  context: RequestContext = {},
): Promise<readonly AccessRequest[]> {
  const key = arn === undefined ? undefined : providerPath(arn);
  const found =
    key === undefined
      ? undefined
      : (await oidcProviders.get(call.house.store, oidcProviderKey(call.account, key)))?.document;
  const tags = found?.arn === arn ? (found?.tags ?? {}) : {};
  return [
    { action, resource: arn ?? '*', resourceAccount: call.account, context: { ...resourceTags(tags), ...context } },
  ];
}

async function edit(
  call: Call,
  arn: string,
  work: (provider: OidcProviderRecord) => OidcProviderRecord,
): Promise<void> {
  await change(call, async (tx) => {
    await oidcProviders.update(tx, keyOf(call, arn), work(await existing(tx, call, arn)));
  });
}

/** Locks the row when `q` is a transaction. */
async function existing(q: Queryable, call: Call, arn: string): Promise<OidcProviderRecord> {
  const provider = (await oidcProviders.getForUpdate(q, keyOf(call, arn)))?.document;
  if (provider?.arn !== arn) throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`);
  return provider;
}

function keyOf(call: Call, arn: string) {
  const path = providerPath(arn);
  if (path === undefined) throw invalid(`Invalid ARN: ${arn}`);
  return oidcProviderKey(call.account, path);
}

function providerPath(arn: string): string | undefined {
  const parsed = parseArn(arn);
  return parsed?.service === 'iam' ? /^oidc-provider\/(.+)$/.exec(parsed.resource)?.[1] : undefined;
}

function arnOf(account: string, url: string): string {
  return `arn:aws:iam::${account}:oidc-provider/${hostAndPathOf(url)}`;
}

function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const here = url !== undefined && isLoopbackHost(url.hostname);
  const scheme = url?.protocol === 'https:' || (url?.protocol === 'http:' && here);
  if (url === undefined || !scheme || (url.port !== '' && !here)) {
    throw invalid(`Invalid Open ID Connect Provider URL: ${text}`);
  }
  // A name without a dot would be the prefix of condition keys that are somebody else's (`aws:`, `sts:`).
  if (!here && !/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(url.hostname)) {
    throw invalid(`Invalid Open ID Connect Provider URL: ${text}`);
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw invalid(`Invalid Open ID Connect Provider URL: ${text}`);
  }
}

function clientIds(given: readonly string[]): readonly string[] {
  const ids = [...new Set(given)];
  if (ids.length > MOST_CLIENT_IDS) throw quotaExceeded('ClientIdsPerOpenIdConnectProvider', MOST_CLIENT_IDS);
  return ids;
}

function thumbprints(given: readonly string[]): readonly string[] {
  if (given.length > MOST_THUMBPRINTS)
    throw invalid(`Thumbprint list must contain fewer than ${MOST_THUMBPRINTS} entries.`);
  for (const thumbprint of given) {
    if (!/^[0-9a-f]{40}$/i.test(thumbprint)) throw invalid(`Thumbprint ${thumbprint} is not 40 hexadecimal digits.`);
  }
  return given.map((thumbprint) => thumbprint.toLowerCase());
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidInputException', message);
}
