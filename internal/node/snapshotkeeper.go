package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

const keeperChild = "snapshots"

// snapshotsOf makes the memory of a strategy that has one. Without a directory it is the process's alone.
func (n *Node) snapshotsOf(p *StrategyPlan) (*snapshots, error) {
	user, err := p.Fresh()
	if err != nil {
		return nil, fmt.Errorf("strategy %s: %w", p.Name, err)
	}
	if _, has := user.(strategy.RestoreHandler); !has {
		return nil, nil
	}
	s := &snapshots{n: n, name: p.Name, known: n.world.Snapshots == ""}
	if !s.known {
		if s.wake, err = actors.NewPipe[struct{}](n.sys, 1); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// keeperOf is the child that alone waits for the disk of a strategy's snapshots: it stands before the strategy, so that it is there
// for the last one. A disk that hangs holds nothing but it.
func (n *Node) keeperOf(p StrategyPlan, s *snapshots) supervision.Child {
	c := supervision.DefaultChild(keeperChild, func(_ context.Context, b *supervision.Birth) error {
		user, err := p.Fresh()
		if err != nil {
			return fmt.Errorf("strategy %s: %w", p.Name, err)
		}
		k := keeper{
			s: s, disk: n.world.Disk, dir: n.world.Snapshots, epoch: b.Epoch(),
			bound: boundOf(p.Name, paramsOf(&p, user), Build()),
		}
		b.Run(k.run)
		return nil
	})
	return timed(c, n.plan.Supervision.Shutdown.Strategy, 0)
}

// keeper reads and writes the files of one strategy's snapshots.
type keeper struct {
	s     *snapshots
	disk  journal.FS
	dir   string
	epoch uint64 // of this child: its unfinished files are its own
	bound snapshotBound
}

// run reads what there is, then does what is asked until ctx ends, and then what is left.
func (k keeper) run(ctx context.Context, out actors.Outside) error {
	body, err := k.load()
	if err != nil {
		k.s.n.log.Error("snapshots cannot be read", "event", "snapshot", "strategy", k.s.name, "err", err)
	}
	k.s.found(body)
	for {
		_, ended := k.s.wake.Next(ctx, out)
		for c, more := k.s.next(); more; c, more = k.s.next() {
			if err := k.do(c); err != nil {
				k.s.n.log.Error("a snapshot was not kept", "event", "snapshot", "strategy", k.s.name, "err", err)
			}
		}
		if ended != nil {
			return ended
		}
	}
}

// file is the name of the strategy's file; whatever a strategy is called, it is one name in one directory.
func (k keeper) file() string { return filepath.Join(k.dir, url.PathEscape(k.s.name)+".snapshot") }

// load reads the strategy's file. What is not good is set aside.
func (k keeper) load() ([]byte, error) {
	if err := k.disk.MkdirAll(k.dir); err != nil {
		return nil, err
	}
	if err := k.sweep(); err != nil {
		return nil, err
	}
	raw, err := k.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	body, err := decodeSnapshot(k.bound, raw)
	if err == nil {
		return body, nil
	}
	k.s.tellAside(err.Error())
	to, err := k.asideName()
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(k.disk.Rename(k.file(), to), k.disk.SyncDir(k.dir))
}

// sweep removes what an earlier keeper did not finish.
func (k keeper) sweep() error {
	names, err := k.disk.List(k.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, filepath.Base(k.file())+".new-") {
			if err := k.disk.Remove(filepath.Join(k.dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// longestFile is a little more than a file of ours can have.
const longestFile = strategy.MaxSnapshot + 1<<16

func (k keeper) read() ([]byte, error) {
	f, err := k.disk.OpenRead(k.file())
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	raw := make([]byte, min(max(size, 0), longestFile))
	if err == nil && len(raw) > 0 {
		_, err = f.ReadAt(raw, 0)
	}
	return raw, errors.Join(err, f.Close())
}

// do carries out one chore.
func (k keeper) do(c chore) error {
	raw := encodeSnapshot(k.bound, c.body)
	if !c.aside {
		return k.write(k.file(), raw)
	}
	to, err := k.asideName()
	if err != nil {
		return err
	}
	if err := k.write(to, raw); err != nil {
		return err
	}
	if err := k.disk.Remove(k.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return k.disk.SyncDir(k.dir)
}

// write makes a file whole or not at all: another name, all of it durable, then its own name, and that durable too.
func (k keeper) write(name string, raw []byte) error {
	fresh := fmt.Sprintf("%s.new-%d", k.file(), k.epoch)
	f, err := k.disk.Create(fresh)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(raw, 0)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := k.disk.Rename(fresh, name); err != nil {
		return err
	}
	return k.disk.SyncDir(k.dir)
}

// maxAside is how many files that were set aside are kept for a strategy; a further one takes the place of the last.
const maxAside = 64

// asideName is the first that is free.
func (k keeper) asideName() (string, error) {
	names, err := k.disk.List(k.dir)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, name := range names {
		taken[name] = true
	}
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s.aside-%d", filepath.Base(k.file()), i)
		if !taken[name] || i == maxAside {
			return filepath.Join(k.dir, name), nil
		}
	}
}
