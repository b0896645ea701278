// Package node turns configuration into a supervision tree: the one wiring that daemon, demonstration, replay and
// simulation use alike. It joins rooms that do not know each other by the small interfaces they declare, and holds no
// rule of its own: what it decides is who is told what, and in which order things start and stop.
package node
