package node

import (
	"context"
	"strings"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/supervision"
)

// Names of the root's children, in the order in which they start.
const (
	inControl    = "control"
	inJournal    = "journal"
	inCluster    = "cluster"
	inRisk       = "risk"
	inVenues     = "venues"
	inFeeds      = "feeds"
	inStrategies = "strategies"
)

// spec is the tree: root is rest_for_one over what each room needs of the one before it. Whoever judges orders stands
// above the orders, so that they cannot outlive it.
func (n *Node) spec() (supervision.Spec, error) {
	channels, err := n.channels()
	if err != nil {
		return supervision.Spec{}, err
	}
	s := n.plan.Supervision
	root := supervision.Spec{
		Name: "root", Strategy: supervision.RestForOne, Intensity: s.Root.Intensity, Period: s.Root.Period,
		Budget: supervision.Budget{Starts: s.Budget.Restarts, Within: s.Budget.Within},
	}
	root.Children = append(root.Children, n.world.Before...)
	if len(n.world.Control) > 0 {
		for i, c := range n.world.Control {
			c.Start = n.seen(c.Start)
			n.world.Control[i] = timed(c, s.Shutdown.Control, c.Watchdog)
		}
		control := supervision.SubTree(inControl, supervision.Spec{
			Strategy: supervision.OneForOne, Intensity: 5, Period: time.Minute, Children: n.world.Control,
		})
		control.Restart = supervision.Temporary
		root.Children = append(root.Children, control)
	}
	root.Children = append(root.Children,
		n.journalChild(),
		n.clusterChild(),
		n.riskChild(),
		n.group(inVenues, s.Groups.Venues, s.Groups.Account.Backoff, n.accountChildren),
		n.group(inFeeds, s.Groups.Feeds, s.Groups.Channel.Backoff, func() []supervision.Child { return channels }),
		n.group(inStrategies, s.Groups.Strategies, s.Groups.Strategy.Backoff, n.strategyChildren),
	)
	return root, nil
}

// seen lets the node's face show the tree while it still boots.
func (n *Node) seen(start supervision.StartFunc) supervision.StartFunc {
	return func(ctx context.Context, b *supervision.Birth) error {
		n.tree.CompareAndSwap(nil, b.Tree())
		return n.failed(start(ctx, b))
	}
}

// group is a supervisor whose only static child is the roster that adds the others.
func (n *Node) group(name string, in config.Intensity, b config.Backoff, children func() []supervision.Child) supervision.Child {
	n.grouped[name] = children()
	roster := supervision.RosterChild(supervision.NewRoster(supervision.RosterOptions{Children: children, Backoff: backoffOf(b)}))
	// One that hangs would leave whatever gives up beside it down, and nobody would say so.
	s := n.plan.Supervision
	roster = timed(roster, s.Shutdown.Control, s.Watchdogs.Control)
	return supervision.SubTree(name, supervision.Spec{
		Strategy: supervision.OneForOne, Intensity: in.Intensity, Period: in.Period,
		Children: []supervision.Child{roster},
	})
}

func backoffOf(b config.Backoff) supervision.Backoff {
	return supervision.Backoff{Base: b.Base, Cap: b.Cap, Reset: b.Reset}
}

// timed sets what a configuration says of one kind of child.
func timed(c supervision.Child, shutdown, watchdog time.Duration) supervision.Child {
	if shutdown > 0 {
		c.Shutdown = shutdown
	}
	c.Watchdog = watchdog
	return c
}

func (n *Node) channels() ([]supervision.Child, error) {
	if n.world.Feeds == nil {
		return nil, nil
	}
	return n.world.Feeds(n, n.subscribers)
}

// Subscribers gives the strategies of a node as the channel of that number sees them.
type Subscribers func(feed uint8) ([]feeds.Subscriber, error)

func (n *Node) subscribers(feed uint8) ([]feeds.Subscriber, error) {
	n.feeds = max(n.feeds, int(feed)+1)
	var out []feeds.Subscriber
	for _, s := range n.plan.Strategies {
		sub, err := n.subscriber(s, feed)
		if err != nil {
			return nil, err
		}
		out = append(out, sub)
	}
	return out, nil
}

// clusterChild wraps the world's own, so that a failure of its start is kept.
func (n *Node) clusterChild() supervision.Child {
	c := n.world.Cluster(n)
	c.Name = inCluster
	// No watchdog: the engine's own loop waits where it shows nobody that it lives. What can hang in it is the disk, and
	// that it says itself.
	return timed(c, n.plan.Supervision.Shutdown.Cluster, 0)
}

// MemoryCluster is the child of a log in memory: it leads from the start, and forgets.
func MemoryCluster(n *Node) supervision.Child {
	return supervision.DefaultChild(inCluster, func(context.Context, *supervision.Birth) error {
		n.LogIs(n.memoryLog())
		n.LeaderIs(1, true, n.plan.Node)
		return nil
	})
}

// path joins names below the root.
func path(names ...string) actors.Name {
	var out strings.Builder
	for i, name := range names {
		if i > 0 {
			out.WriteString("/")
		}
		out.WriteString(name)
	}
	return actors.Name(out.String())
}
