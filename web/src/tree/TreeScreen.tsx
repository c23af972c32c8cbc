import { useQuery, useQueryClient } from '@tanstack/react-query';
import {
  Background,
  Controls,
  Handle,
  MiniMap,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { memo, useEffect, useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { activate, getBranches, merge } from '../api/banyan';
import type { BranchItem } from '../api/types';
import { Failed } from '../app/Failed';
import { Icon } from '../app/Icon';
import { useKeys } from '../app/keys';
import { attempt, say } from '../app/notices';
import { type BranchNode, edgesOf, inRowsOf, neighbour, NODE, type Place, placed } from './layout';

interface Props {
  chatId: string;
  onList: () => void;
}

export default function TreeScreen(props: Props) {
  return (
    <ReactFlowProvider>
      <Tree {...props} />
    </ReactFlowProvider>
  );
}

/** So few branches need no map of themselves. */
const SEEN_AT_ONCE = 12;
/** Where the open branch of a tree in rows stands first, from the left; some above it are seen. */
const FIRST_X = 96;
/** So far from the edges the root stands at most. */
const EDGE = 24;

function Tree({ chatId, onList }: Props) {
  const [, go] = useLocation();
  const flow = useReactFlow();
  const [chosen, setChosen] = useState(chatId);
  const { data, error } = useQuery({
    queryKey: ['tree', chatId],
    queryFn: () => getBranches(chatId),
  });
  const items = useMemo(() => data?.items ?? [], [data]);
  const places = useMemo(() => placed(items), [items]);
  const nodes = useNodes(items, places, chatId, chosen);
  const edges = useMemo(() => edgesOf(items, places), [items, places]);
  useFirstLook(items.length, inRowsOf(items) ? places.get(chatId) : undefined);

  const open = (id: string): void =>
    attempt(async () => {
      await activate(chatId, id);
      go(`/c/${id}`);
    });
  const move = ({ key }: KeyboardEvent): void => {
    const next = neighbour(items, chosen, key);
    if (!next) return;
    setChosen(next);
    void flow.fitView({ nodes: [{ id: next }], maxZoom: 1, duration: 150, padding: 2 });
  };
  useKeys({
    ...Object.fromEntries(['Up', 'Down', 'Left', 'Right'].map((way) => [`Arrow${way}`, move])),
    Enter: () => open(chosen),
    t: () => go(`/c/${chatId}`),
  });
  if (error) return <Failed error={error} />;
  return (
    <section className="tree" aria-label="Tree of the conversation">
      <TreeBar {...{ chatId, chosen, onList }} total={data?.total} onOpen={() => open(chosen)} />
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodeClick={(_event, { id }) => setChosen(id)}
        onNodeDoubleClick={(_event, { id }) => open(id)}
        zoomOnDoubleClick={false}
        nodesDraggable={false}
        nodesConnectable={false}
        disableKeyboardA11y
        onlyRenderVisibleElements
        panOnScroll={inRowsOf(items)}
        minZoom={0.05}
        colorMode="system"
      >
        <Background />
        <Controls showInteractive={false} />
        {items.length > SEEN_AT_ONCE && !inRowsOf(items) && (
          <MiniMap pannable zoomable ariaLabel="The whole tree" />
        )}
      </ReactFlow>
    </section>
  );
}

/** The whole of a small tree, also when it grows; of a large one, once, where the person is. */
function useFirstLook(count: number, open: Place | undefined): void {
  const flow = useReactFlow();
  useEffect(() => {
    if (count > 0 && !open) void flow.fitView({ maxZoom: 1, padding: 0.15 });
  }, [count, open, flow]);
  // Not for each branch that comes to it: whoever looks around would be led back.
  const isThere = open !== undefined;
  useEffect(() => {
    if (!open) return;
    const [x, y] = [Math.min(EDGE, FIRST_X - open.x), Math.min(EDGE, innerHeight / 2 - open.y)];
    void flow.setViewport({ x, y, zoom: 1 });
  }, [isThere, flow]);
}

/** A node that does not change stays the same object, so that an arrow draws two cards anew. */
function useNodes(
  items: readonly BranchItem[],
  places: ReadonlyMap<string, Place>,
  open: string,
  chosen: string,
): BranchNode[] {
  const isRow = inRowsOf(items);
  const plain = useMemo(
    () =>
      items.map((branch): BranchNode => ({
        id: branch.chat_id,
        type: 'branch',
        position: places.get(branch.chat_id)!,
        ...NODE,
        data: { branch, isRow, isOpen: branch.chat_id === open, isChosen: false },
        ariaLabel: `${branch.name ?? 'Branch'}, ${lengthOf(branch)}`,
      })),
    [items, places, open, isRow],
  );
  return useMemo(
    () =>
      plain.map((node) =>
        node.id === chosen ? { ...node, data: { ...node.data, isChosen: true } } : node,
      ),
    [plain, chosen],
  );
}

interface BarProps extends Props {
  chosen: string;
  total: number | undefined;
  onOpen: () => void;
}

function TreeBar({ chatId, chosen, total, onOpen, onList }: BarProps) {
  const [, go] = useLocation();
  const client = useQueryClient();
  const isOther = chosen !== chatId;
  const mergeIt = (mode: 'summary' | 'pairs'): void =>
    attempt(async () => {
      await merge(chatId, chosen, mode);
      await client.invalidateQueries({ queryKey: ['path'] });
      say('Brought back to this branch.');
      go(`/c/${chatId}`);
    });
  return (
    <header className="bar">
      <button type="button" className="icon to-list" aria-label="Conversations" onClick={onList}>
        <Icon of="list" />
      </button>
      <h1>{total ? `${total} ${total === 1 ? 'branch' : 'branches'}` : 'The tree'}</h1>
      <button type="button" className="primary" onClick={onOpen}>
        Open
      </button>
      <button
        type="button"
        className="secondary"
        disabled={!isOther}
        onClick={() => go(`/c/${chatId}/compare/${chosen}`)}
      >
        Compare
      </button>
      <select
        aria-label="Merge the chosen branch into the open one"
        value=""
        disabled={!isOther}
        onChange={({ target }) => mergeIt(target.value as 'summary' | 'pairs')}
      >
        <option value="" disabled>
          Merge
        </option>
        <option value="summary">as a summary</option>
        <option value="pairs">as messages</option>
      </select>
    </header>
  );
}

const lengthOf = ({ message_count: count }: BranchItem): string =>
  `${count} ${count === 1 ? 'message' : 'messages'}`;

const BranchCard = memo(({ data: { branch, isRow, isOpen, isChosen } }: NodeProps<BranchNode>) => (
  <div
    className={`branch${isRow ? ' row' : ''}${branch.active ? ' active' : ''}${isOpen ? ' open' : ''}${isChosen ? ' chosen' : ''}`}
  >
    <Handle type="target" position={isRow ? Position.Left : Position.Top} />
    <strong dir="auto">{branch.name ?? (branch.parent_chat_id ? 'Branch' : 'Untitled')}</strong>
    <small>
      {lengthOf(branch)}
      {branch.parent_chat_id ? ` · from ${branch.fork_seq}` : ''}
      {branch.active ? ' · active' : ''}
    </small>
    <Handle type="source" position={Position.Bottom} />
  </div>
));

const NODE_TYPES = { branch: BranchCard };
