/** Where the nodes of the graph stand, from top to bottom, and how the edges run between them. */

import { Graph, layout } from "@dagrejs/dagre";
import type { Check, Edge, Node } from "./content.ts";

export interface Box {
  node: Node;
  /** Of its left upper corner. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** Whether it is a group that shows what is in it. */
  open: boolean;
}

export interface Point {
  x: number;
  y: number;
}

export interface Wire {
  edge: Edge;
  points: Point[];
  label: string;
}

export interface Drawing {
  width: number;
  height: number;
  boxes: Box[];
  wires: Wire[];
}

export const NODE = { width: 250, height: 46 };

/** Of an open group: around what is in it, and above that for its name. */
const PADDING = 14;
const HEAD = 46;

/** Nodes from which on ranks are found by a faster way, which leaves some edges longer. */
const MANY = 300;

export function layOut(check: Check, isOpen: (group: Node) => boolean): Drawing {
  const edges = new Map<string, Edge[]>();
  for (const edge of check.content.edges) {
    const group = check.nodes.get(edge.target)!.group;
    edges.set(group, [...(edges.get(group) ?? []), edge]);
  }

  function level(group: string): Drawing {
    const members = check.inside(group);
    const graph = new Graph({ multigraph: true });
    const ranker = members.length > MANY ? "tight-tree" : "network-simplex";
    graph.setGraph({ rankdir: "TB", nodesep: 18, edgesep: 10, ranksep: 24, marginx: 0, marginy: 0, ranker });
    const inner = new Map<string, Drawing>();
    for (const node of members) {
      if (check.isGroup(node) && isOpen(node)) {
        const drawing = level(node.id);
        inner.set(node.id, drawing);
        const width = Math.max(NODE.width, drawing.width + 2 * PADDING);
        graph.setNode(node.id, { width, height: drawing.height + HEAD + PADDING });
      } else {
        graph.setNode(node.id, { ...NODE });
      }
    }
    const wired = (edges.get(group) ?? []).map((edge, number) => ({ edge, name: String(number) }));
    for (const { edge, name } of wired) {
      const text = label(check, edge);
      graph.setEdge(edge.source, edge.target, text ? { width: 40, height: 14, labelpos: "c" } : {}, name);
    }
    layout(graph);

    const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
    const placed = members.map((node) => ({ node, ...(graph.node(node.id) as Omit<Box, "node" | "open">) }));
    const across = isMirrored(placed) ? (x: number) => width - x : (x: number) => x;
    const drawing: Drawing = { width, height, boxes: [], wires: [] };
    for (const { node, x, y, width, height } of placed) {
      const box = { node, x: across(x) - width / 2, y: y - height / 2, width, height, open: inner.has(node.id) };
      drawing.boxes.push(box);
      const within = inner.get(node.id);
      if (within) {
        const dx = box.x + (width - within.width) / 2;
        const dy = box.y + HEAD;
        for (const one of within.boxes) drawing.boxes.push({ ...one, x: one.x + dx, y: one.y + dy });
        for (const one of within.wires) {
          drawing.wires.push({ ...one, points: one.points.map((point) => ({ x: point.x + dx, y: point.y + dy })) });
        }
      }
    }
    const boxes = new Map(drawing.boxes.map((box) => [box.node.id, box]));
    for (const { edge, name } of wired) {
      const { points } = graph.edge(edge.source, edge.target, name) as { points: Point[] };
      const ends = [boxes.get(edge.source)!, boxes.get(edge.target)!] as const;
      const way = points.map(({ x, y }) => ({ x: across(x), y }));
      drawing.wires.push({ edge, points: attached(way, ...ends), label: label(check, edge) });
    }
    return drawing;
  }

  return level("");
}

/** Whether of the nodes in a row, those that come first stand more often to the right. */
function isMirrored(placed: Point[]): boolean {
  const right = [...Map.groupBy(placed, ({ y }) => Math.round(y)).values()].flatMap((row) =>
    row.slice(1).map(({ x }, place) => Math.sign(x - row[place]!.x)),
  );
  return right.reduce((sum, one) => sum + one, 0) < 0;
}

/** Which call an edge belongs to, where there are several. */
function label(check: Check, edge: Edge): string {
  if (check.nodes.get(edge.target)!.calls > 1) return `call ${edge.target_call}`;
  return check.nodes.get(edge.source)!.calls > 1 ? `call ${edge.source_call}` : "";
}

/** The way of an edge, from the lower side of its source to the upper side of its target, where it leads down. */
function attached(points: Point[], source: Box, target: Box): Point[] {
  if (source.y + source.height > target.y || points.length < 3) return points;
  const within = points.slice(1, -1);
  const beside = (box: Box, x: number) => Math.min(Math.max(x, box.x + 14), box.x + box.width - 14);
  return [
    { x: beside(source, within[0]!.x), y: source.y + source.height },
    ...within,
    { x: beside(target, within.at(-1)!.x), y: target.y },
  ];
}

/** An SVG path through the points, which leaves and reaches each of them vertically. */
export function path(points: Point[]): string {
  const [first, ...others] = points;
  let { x, y } = first!;
  let drawn = `M${x.toFixed(1)} ${y.toFixed(1)}`;
  for (const point of others) {
    const middle = (y + point.y) / 2;
    drawn += `C${x.toFixed(1)} ${middle.toFixed(1)} ${point.x.toFixed(1)} ${middle.toFixed(1)} ${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
    ({ x, y } = point);
  }
  return drawn;
}
