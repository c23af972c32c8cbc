import type { Edge, Node } from '@xyflow/react';
import { hierarchy, type HierarchyNode, tree } from 'd3-hierarchy';
import type { BranchItem } from '../api/types';

export const NODE = { width: 210, height: 64 };
const GAP = { beside: 24, below: 56, row: 14, indent: 40 };
/** More branches cannot be read where all of them are seen, and stand in rows like folders. */
export const WHOLE_MAX = 40;

export interface BranchData extends Record<string, unknown> {
  branch: BranchItem;
  /** In a row of its own: the line comes from the side. */
  isRow: boolean;
  isOpen: boolean;
  isChosen: boolean;
}
export type BranchNode = Node<BranchData, 'branch'>;

export interface Place {
  x: number;
  y: number;
}
type Places = Map<string, Place>;
type Tree = HierarchyNode<BranchItem | null>;

/** Pixels; `styles.css` calls the same width narrow. */
const NARROW = 736;

/** Whether each branch has a row of its own: of many, and on a phone, nobody reads a whole tree. */
export const inRowsOf = (items: readonly BranchItem[]): boolean =>
  items.length > WHOLE_MAX || innerWidth <= NARROW;

/**
 * Where each branch stands, in the order of their making: of a small tree, parents above their
 * children; of a large one each in a row of its own, below its parent and further right. Linear in
 * the number of branches.
 */
export function placed(items: readonly BranchItem[]): Places {
  const root = treeOf(items);
  return inRowsOf(items) ? inRows(root) : inLevels(root);
}

function inLevels(root: Tree): Places {
  const places: Places = new Map();
  const layout = tree<BranchItem | null>().nodeSize([
    NODE.width + GAP.beside,
    NODE.height + GAP.below,
  ]);
  for (const { data, x, y } of layout(root)) {
    if (data) places.set(data.chat_id, { x: x - NODE.width / 2, y });
  }
  return places;
}

function inRows(root: Tree): Places {
  const places: Places = new Map();
  root.eachBefore(({ data, depth }) => {
    const y = places.size * (NODE.height + GAP.row);
    if (data) places.set(data.chat_id, { x: depth * GAP.indent, y });
  });
  return places;
}

/** Below a root of nobody, as a page of a tree may have several. */
function treeOf(items: readonly BranchItem[]): Tree {
  const known = new Set(items.map(({ chat_id }) => chat_id));
  const children = new Map<string | null, BranchItem[]>();
  for (const item of items) {
    const parent = known.has(item.parent_chat_id ?? '') ? item.parent_chat_id : null;
    const there = children.get(parent);
    if (there) there.push(item);
    else children.set(parent, [item]);
  }
  return hierarchy<BranchItem | null>(null, (branch) => children.get(branch?.chat_id ?? null));
}

export const edgesOf = (items: readonly BranchItem[], places: ReadonlyMap<string, Place>): Edge[] =>
  items
    .filter(({ parent_chat_id }) => parent_chat_id !== null && places.has(parent_chat_id))
    .map(({ chat_id, parent_chat_id }) => ({
      id: chat_id,
      source: parent_chat_id!,
      target: chat_id,
      ...(inRowsOf(items) && { type: 'smoothstep' }),
    }));

/** The branch that an arrow leads to: parent, first child, or the neighbour among its siblings. */
export function neighbour(items: readonly BranchItem[], from: string, key: string): string | null {
  const here = items.find(({ chat_id }) => chat_id === from);
  if (!here) return items[0]?.chat_id ?? null;
  if (key === 'ArrowUp') return here.parent_chat_id;
  const children = (id: string | null): BranchItem[] =>
    items.filter(({ parent_chat_id }) => parent_chat_id === id);
  if (key === 'ArrowDown') return children(from)[0]?.chat_id ?? null;
  const row = children(here.parent_chat_id);
  const at = row.indexOf(here) + (key === 'ArrowRight' ? 1 : -1);
  return row[at]?.chat_id ?? null;
}
