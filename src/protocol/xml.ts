/**
 * XML bodies by shape: requests and answers of REST XML, and the answers of the query protocols.
 * Naming of lists and maps: Smithy, "XML bindings" (`member` and `entry`, unless named or flattened).
 */
import { AwsError } from '../common/index.ts';
import { bytesOf, isIntegerOf, part, readBase64, setKey } from './json.ts';
import { type Reference, type ServiceModel, type Shape, shapeOf, type XmlNamespace } from './model.ts';
import { formatTimestamp, parseTimestamp } from './timestamps.ts';
import { escapeXml, type XmlNode } from './xml-text.ts';

/** How one dialect names and writes. */
export type XmlStyle = Readonly<{
  /** S3 writes `2026-11-24T06:04:12.000Z`, the others leave empty fractions out. */
  millis: boolean;
  /** Names come from `queryName` where a correction gives one (SQS). */
  queryNames: boolean;
}>;

export function readXml(model: ServiceModel, reference: Reference, node: XmlNode): unknown {
  const shape = shapeOf(model, reference);
  switch (shape.type) {
    case 'structure': {
      const out: Record<string, unknown> = {};
      const byName = childrenByName(node);
      for (const [name, member] of Object.entries(shape.members ?? {})) {
        if (member.location !== undefined) continue;
        const found = readMember(model, name, member, node, byName);
        if (found !== undefined) out[name] = found;
      }
      return out;
    }
    case 'list':
      return node.children.map((child) => readXml(model, part(shape.member), child));
    case 'map':
      return readEntries(model, shape, node.children);
    default:
      return readScalar(shape, reference, node.text);
  }
}

function readMember(
  model: ServiceModel,
  name: string,
  member: Reference,
  node: XmlNode,
  byName: ReadonlyMap<string, XmlNode[]>,
): unknown {
  const shape = shapeOf(model, member);
  const key = memberName(name, member, shape);
  if (member.xmlAttribute === true) {
    const local = key.slice(key.indexOf(':') + 1);
    return Object.hasOwn(node.attributes, local) ? node.attributes[local] : undefined;
  }
  let nodes = byName.get(key);
  if (shape.type === 'list' && isFlattened(member, shape)) {
    nodes ??= byName.get(shape.member?.locationName ?? key);
    return nodes?.map((child) => readXml(model, part(shape.member), child));
  }
  if (shape.type === 'map' && isFlattened(member, shape)) {
    return nodes === undefined ? undefined : readEntries(model, shape, nodes);
  }
  const first = nodes?.[0];
  return first === undefined ? undefined : readXml(model, member, first);
}

function readEntries(model: ServiceModel, shape: Shape, entries: readonly XmlNode[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const entry of entries) {
    const key = entry.children.find((child) => child.name === (shape.key?.locationName ?? 'key'));
    const value = entry.children.find((child) => child.name === (shape.value?.locationName ?? 'value'));
    if (key !== undefined && value !== undefined) setKey(out, key.text, readXml(model, part(shape.value), value));
  }
  return out;
}

/** A scalar from text: XML bodies, headers, URI labels and query strings. Throws SerializationException. */
export function readScalar(
  shape: Shape,
  reference: Reference,
  text: string,
  timestampFormat: 'iso8601' | 'rfc822' = 'iso8601',
): unknown {
  switch (shape.type) {
    case 'boolean':
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      throw wrongText(text, 'Boolean');
    case 'integer':
    case 'long': {
      const trimmed = text.trim();
      const number = /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : Number.NaN;
      if (!isIntegerOf(shape.type, number)) throw wrongText(text, shape.type === 'integer' ? 'Integer' : 'Long');
      return number;
    }
    case 'float':
    case 'double': {
      const trimmed = text.trim();
      const number = Number(trimmed);
      if (trimmed === '' || (Number.isNaN(number) && trimmed !== 'NaN')) throw wrongText(text, 'Double');
      return number;
    }
    case 'timestamp': {
      const format = reference.timestampFormat ?? shape.timestampFormat ?? timestampFormat;
      const date = parseTimestamp(text.trim(), format) ?? parseTimestamp(text.trim(), 'iso8601');
      if (date === undefined) throw wrongText(text, 'Timestamp');
      return date;
    }
    case 'blob':
      return readBase64(text.replace(/\s/g, ''));
    default:
      return text;
  }
}

function wrongText(text: string, wanted: string): AwsError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}...` : text;
  return new AwsError('SerializationException', `Value '${shown}' can not be converted to ${wanted}`);
}

/** The element `<name>`, with the shape's content. */
export function writeXml(
  model: ServiceModel,
  name: string,
  reference: Reference,
  value: unknown,
  style: XmlStyle,
  namespace?: XmlNamespace,
): string {
  const shape = shapeOf(model, reference);
  const attributes =
    namespaceAttribute(namespace ?? reference.xmlNamespace ?? shape.xmlNamespace) + xmlAttributes(model, shape, value);
  const content = xmlContent(model, reference, shape, value, style);
  return content === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

export function namespaceAttribute(namespace: XmlNamespace | undefined): string {
  if (namespace === undefined) return '';
  return ` xmlns${namespace.prefix === undefined ? '' : `:${namespace.prefix}`}="${escapeXml(namespace.uri)}"`;
}

function xmlAttributes(model: ServiceModel, shape: Shape, value: unknown): string {
  let out = '';
  if (shape.type !== 'structure') return out;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.xmlAttribute !== true) continue;
    const given = (value as Record<string, unknown>)[name];
    if (given !== undefined && given !== null) {
      out += ` ${memberName(name, member, shapeOf(model, member))}="${escapeXml(String(given))}"`;
    }
  }
  return out;
}

function xmlContent(model: ServiceModel, reference: Reference, shape: Shape, value: unknown, style: XmlStyle): string {
  switch (shape.type) {
    case 'structure':
      return writeMembers(model, shape, value as Record<string, unknown>, style);
    case 'list': {
      const element = part(shape.member);
      let out = '';
      for (const item of value as Iterable<unknown>) {
        out += writeXml(model, element.locationName ?? 'member', element, item, style);
      }
      return out;
    }
    case 'map':
      return writeEntries(model, 'entry', shape, value as Record<string, unknown>, style);
    default:
      return escapeXml(scalarText(shape, reference, value, 'iso8601', style.millis));
  }
}

/** The child elements of a structure, without the element itself. */
export function writeMembers(
  model: ServiceModel,
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  style: XmlStyle,
): string {
  let out = '';
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.location !== undefined || member.xmlAttribute === true) continue;
    const given = value[name];
    if (given === undefined || given === null) continue;
    const target = shapeOf(model, member);
    const key = (style.queryNames ? member.queryName : undefined) ?? memberName(name, member, target);
    if (target.type === 'list' && isFlattened(member, target)) {
      const element = part(target.member);
      for (const item of given as Iterable<unknown>) {
        out += writeXml(model, element.locationName ?? key, element, item, style);
      }
    } else if (target.type === 'map' && isFlattened(member, target)) {
      out += writeEntries(model, key, target, given as Record<string, unknown>, style);
    } else out += writeXml(model, key, member, given, style);
  }
  return out;
}

function writeEntries(
  model: ServiceModel,
  name: string,
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  style: XmlStyle,
): string {
  const keyName = (style.queryNames ? shape.key?.queryName : undefined) ?? shape.key?.locationName ?? 'key';
  const valueName = (style.queryNames ? shape.value?.queryName : undefined) ?? shape.value?.locationName ?? 'value';
  let out = '';
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined || item === null) continue;
    const content = writeXml(model, valueName, part(shape.value), item, style);
    out += `<${name}><${keyName}>${escapeXml(key)}</${keyName}>${content}</${name}>`;
  }
  return out;
}

/** A scalar as text: XML bodies, headers and query strings. */
export function scalarText(
  shape: Shape,
  reference: Reference,
  value: unknown,
  timestampFormat: 'iso8601' | 'rfc822',
  millis = false,
): string {
  switch (shape.type) {
    case 'timestamp': {
      const format = reference.timestampFormat ?? shape.timestampFormat ?? timestampFormat;
      const text = formatTimestamp(value, format);
      return millis && format === 'iso8601' && !text.includes('.') ? `${text.slice(0, -1)}.000Z` : text;
    }
    case 'blob':
      return bytesOf(value).toString('base64');
    default:
      return String(value);
  }
}

function memberName(name: string, member: Reference, shape: Shape): string {
  return member.locationName ?? shape.locationName ?? name;
}

export function isFlattened(reference: Reference, shape: Shape): boolean {
  return reference.flattened ?? shape.flattened ?? false;
}

function childrenByName(node: XmlNode): ReadonlyMap<string, XmlNode[]> {
  const byName = new Map<string, XmlNode[]>();
  for (const child of node.children) {
    const known = byName.get(child.name);
    if (known === undefined) byName.set(child.name, [child]);
    else known.push(child);
  }
  return byName;
}
