package failshut

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/cluster"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/node"
)

func (c *cli) clusterCommand() *cobra.Command {
	parent := &cobra.Command{Use: "cluster", Short: "The replicated risk state of a node's cluster", Args: cobra.NoArgs, RunE: help}
	var file, data string
	found := &cobra.Command{
		Use:     "init --config FILE",
		Short:   "Found a cluster of one voter in a node's data directory, once before its first run",
		Example: "  failshut cluster init --config node.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return c.clusterInit(file, data) },
	}
	found.Flags().StringVar(&file, "config", "", "node file")
	found.Flags().StringVar(&data, "data", "", "data directory (node.data of the file without it)")
	parent.AddCommand(found)
	return parent
}

type clusterInitAnswer struct {
	Schema       string   `json:"schema"`
	ClusterID    string   `json:"cluster_id"`
	Node         string   `json:"node"`
	Generation   int      `json:"generation"`
	Voters       []string `json:"voters"`
	Bootstrapped bool     `json:"bootstrapped"`
}

func (c *cli) clusterInit(name, data string) error {
	f, err := c.fileOf("config", name, config.KindNode)
	if err != nil {
		return err
	}
	dir := dataOf(data, name, f)
	switch err := node.InitCluster(f, dir, c.clock()); {
	case errors.Is(err, cluster.ErrFounded), errors.Is(err, node.ErrUsed), errors.Is(err, node.ErrLocked):
		return endWith(ExitPrecondition, err)
	case errors.Is(err, cluster.ErrIdentity), errors.Is(err, cluster.ErrConfig), errors.Is(err, node.ErrVoters):
		return endWith(ExitConfig, err)
	case err != nil:
		return endWith(ExitFailure, err)
	}
	return answer(c.stdout, c.output, clusterInitAnswer{
		Schema: "failshut.cluster.init/1", ClusterID: f.Node.Cluster.Name, Node: f.Node.Node.ID, Generation: 1,
		Voters: []string{f.Node.Node.ID}, Bootstrapped: true,
	})
}
