/**
 * XML text, in and out. In: saxes, into a small tree, with limits on depth; document type declarations are refused, so
 * no entity but XML's five is ever expanded. Out: escaped text, nothing else.
 */
import { SaxesParser } from 'saxes';

export interface XmlNode {
  /** Without prefix. */
  name: string;
  /** By local name; namespace declarations are left out. */
  attributes: Record<string, string>;
  children: XmlNode[];
  /** All character data directly inside. */
  text: string;
}

const MAX_DEPTH = 100;

/** Throws `XmlError` for text that is not one well-formed document. */
export function parseXml(text: string): XmlNode {
  const root: XmlNode = { name: '', attributes: {}, children: [], text: '' };
  const stack: XmlNode[] = [root];
  const parser = new SaxesParser({ xmlns: false, position: false });
  parser.on('error', (error) => {
    throw new XmlError(error.message);
  });
  parser.on('doctype', () => {
    throw new XmlError('a document type declaration is not allowed');
  });
  parser.on('opentag', (tag) => {
    if (stack.length > MAX_DEPTH) throw new XmlError('elements are nested too deeply');
    const node: XmlNode = { name: localName(tag.name), attributes: {}, children: [], text: '' };
    for (const [name, value] of Object.entries(tag.attributes)) {
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) node.attributes[localName(name)] = value;
    }
    stack.at(-1)?.children.push(node);
    if (!tag.isSelfClosing) stack.push(node);
  });
  parser.on('closetag', (tag) => {
    if (!tag.isSelfClosing) stack.pop();
  });
  const addText = (data: string): void => {
    const node = stack.at(-1);
    if (node !== undefined && node !== root) node.text += data;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(text).close();
  const [document] = root.children;
  if (document === undefined) throw new XmlError('there is no root element');
  return document;
}

export class XmlError extends Error {
  override readonly name = 'XmlError';
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const TO_ESCAPE = /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\u0085\u2028\ufffe\uffff]/g;

/** Characters that XML 1.0 cannot hold are written as references, as S3 does for keys (`&#x1;`). */
export function escapeXml(text: string): string {
  return text.replace(TO_ESCAPE, (character) => ESCAPES[character] ?? `&#x${character.charCodeAt(0).toString(16)};`);
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
