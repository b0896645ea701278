package failshut

import (
	"github.com/spf13/cobra"

	"github.com/failshut/failshut/risk"
)

// commandVersion is the newest version of the replicated machine's commands that this binary applies.
const commandVersion = 1

func (c *cli) commands() []*cobra.Command {
	return []*cobra.Command{
		c.demoCommand(), c.runCommand(), c.clusterCommand(), c.replayCommand(), c.feedCommand(), c.benchCommand(),
		c.statusCommand(), c.gateCommand(), c.tripCommand(), c.resetCommand(), c.treeCommand(),
		c.ordersCommand(), c.positionsCommand(),
		c.configCommand(), c.newCommand(), c.versionCommand(),
	}
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// notEnforced lists what may be configured and is not judged by yet, so that nobody takes a number in a file for a guard.
func notEnforced() []string { return risk.NotEnforced() }
