package failshut

import (
	"context"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/control"
)

func (c *cli) treeCommand() *cobra.Command {
	var f clientFlags
	var depth int
	var unhealthy bool
	parent := &cobra.Command{
		Use:     "tree [PATH]",
		Short:   "The actors of a node, as their supervisors have them",
		Example: "  failshut tree strategies --unhealthy --addr unix:./data/n1/admin.sock",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if depth < 0 {
				return usagef("--depth is %d, want a number of levels, 0 for all", depth)
			}
			q := url.Values{}
			if len(args) > 0 {
				q.Set("path", args[0])
			}
			if depth > 0 {
				q.Set("depth", strconv.Itoa(depth))
			}
			if unhealthy {
				q.Set("unhealthy", "true")
			}
			return c.tree(cmd.Context(), f, q)
		},
	}
	f.on(parent)
	parent.Flags().IntVar(&depth, "depth", 0, "levels below PATH; 0: all")
	parent.Flags().BoolVar(&unhealthy, "unhealthy", false, "only what does not run, is not ready, was restarted within its supervisor's period, or left somebody behind")
	parent.AddCommand(c.treeDumpCommand(), c.treeReplayCommand())
	return parent
}

func (c *cli) treeDumpCommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:     "dump NAME",
		Short:   "The last messages of one actor, also of one that hangs",
		Example: "  failshut tree dump venues/A1/orders --addr unix:./data/n1/admin.sock",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef("NAME is empty, want the path of an actor, such as venues/A1/orders")
			}
			return c.dump(cmd.Context(), f, args[0])
		},
	}
	f.on(cmd)
	return cmd
}

// dump asks under a key of its own, as the API wants it, and changes nothing: without an answer there is nothing to repeat.
func (c *cli) dump(ctx context.Context, f clientFlags, path string) error {
	client, err := f.dial()
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	status, body, err := client.Post(ctx, "/api/v1/tree/dump", control.NewKey(), control.DumpRequest{Path: path})
	if err != nil {
		return endWith(ExitUnreachable, f.unanswered(err))
	}
	return c.show(status, body, "failshut.tree.dump/1")
}
