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
import { useKeys } from '../app/keys';
import { attempt, say } from '../app/notices';
import { type BranchNode, edgesOf, neighbour, NODE, placed } from './layout';

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

function Tree({ chatId, onList }: Props) {
  const [, go] = useLocation();
  const flow = useReactFlow();
  const [chosen, setChosen] = useState(chatId);
  const { data, error } = useQuery({
    queryKey: ['tree', chatId],
    queryFn: () => getBranches(chatId),
  });
  const items = useMemo(() => data?.items ?? [], [data]);
  const nodes = useNodes(items, chatId, chosen);
  const edges = useMemo(() => edgesOf(items), [items]);
  useEffect(() => {
    if (items.length > 0) void flow.fitView({ maxZoom: 1, padding: 0.15 });
  }, [items.length, flow]);

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
  if (error) return <p className="error center">{error.message}</p>;
  return (
    <section className="tree" aria-label="Tree of the conversation">
      <TreeBar {...{ chatId, chosen, onList }} total={data?.total} onOpen={() => open(chosen)} />
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodeClick={(_event, { id }) => setChosen(id)}
        onNodeDoubleClick={(_event, { id }) => open(id)}
        nodesDraggable={false}
        nodesConnectable={false}
        disableKeyboardA11y
        onlyRenderVisibleElements
        minZoom={0.05}
        colorMode="system"
      >
        <Background />
        <Controls showInteractive={false} />
        <MiniMap pannable zoomable ariaLabel="The whole tree" />
      </ReactFlow>
    </section>
  );
}

function useNodes(items: readonly BranchItem[], open: string, chosen: string): BranchNode[] {
  const places = useMemo(() => placed(items), [items]);
  return useMemo(
    () =>
      items.map((branch) => ({
        id: branch.chat_id,
        type: 'branch',
        position: places.get(branch.chat_id)!,
        ...NODE,
        data: {
          branch,
          isOpen: branch.chat_id === open,
          isChosen: branch.chat_id === chosen,
        },
        ariaLabel: `${branch.name ?? 'Branch'}, ${branch.message_count} messages`,
      })),
    [items, places, open, chosen],
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
      <button type="button" className="icon menu" aria-label="Conversations" onClick={onList}>
        ☰
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

const BranchCard = memo(({ data: { branch, isOpen, isChosen } }: NodeProps<BranchNode>) => (
  <div
    className={`branch${branch.active ? ' active' : ''}${isOpen ? ' open' : ''}${isChosen ? ' chosen' : ''}`}
  >
    <Handle type="target" position={Position.Top} />
    <strong dir="auto">{branch.name ?? (branch.parent_chat_id ? 'Branch' : 'Untitled')}</strong>
    <small>
      {branch.message_count} messages{branch.active ? ' · active' : ''}
    </small>
    <Handle type="source" position={Position.Bottom} />
  </div>
));

const NODE_TYPES = { branch: BranchCard };
