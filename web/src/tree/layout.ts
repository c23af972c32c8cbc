import dagre from '@dagrejs/dagre';
import type { Edge, Node } from '@xyflow/react';
import type { BranchItem } from '../api/types';

export const NODE = { width: 190, height: 64 };

export interface BranchData extends Record<string, unknown> {
  branch: BranchItem;
  isOpen: boolean;
  isChosen: boolean;
}
export type BranchNode = Node<BranchData, 'branch'>;

/** Where each branch stands: parents above their children, in the order of their making. */
export function placed(items: readonly BranchItem[]): Map<string, { x: number; y: number }> {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 56 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { chat_id } of items) graph.setNode(chat_id, { ...NODE });
  for (const { chat_id, parent_chat_id } of items) {
    if (parent_chat_id) graph.setEdge(parent_chat_id, chat_id);
  }
  dagre.layout(graph);
  return new Map(
    items.map(({ chat_id }) => {
      const { x, y } = graph.node(chat_id);
      return [chat_id, { x: x - NODE.width / 2, y: y - NODE.height / 2 }];
    }),
  );
}

export const edgesOf = (items: readonly BranchItem[]): Edge[] =>
  items
    .filter(({ parent_chat_id }) => parent_chat_id !== null)
    .map(({ chat_id, parent_chat_id, fork_seq }) => ({
      id: chat_id,
      source: parent_chat_id!,
      target: chat_id,
      label: `after ${fork_seq}`,
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
