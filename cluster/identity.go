package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// identity is the file that says whose a data directory is.
type identity struct {
	Version    int    `json:"version"`
	Cluster    string `json:"cluster"`
	Node       string `json:"node"`
	Generation uint64 `json:"generation"`
	CRC        string `json:"crc32c"` // of the other fields, as JSON without spaces, in hex
}

const identityName = "identity"

func (id identity) sum() string {
	id.CRC = ""
	b, err := json.Marshal(id)
	if err != nil {
		return "" // Not reached: strings and numbers always marshal.
	}
	return fmt.Sprintf("%08x", crc32.Checksum(b, crcTable))
}

// encode returns the file's content, checksum included.
func (id identity) encode() []byte {
	id.CRC = id.sum()
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return nil // Not reached, as above.
	}
	return append(b, '\n')
}

// HasIdentity reports whether a directory has the file that says whose it is, damaged or not; one that cannot be looked into counts
// as one that has, so that Open says why.
func HasIdentity(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, identityName))
	return !errors.Is(err, fs.ErrNotExist)
}

// readIdentity returns the identity in dir; fs.ErrNotExist if there is none, ErrCorrupt if it is damaged.
func readIdentity(dir string) (identity, error) {
	name := filepath.Join(dir, identityName)
	b, err := os.ReadFile(name)
	if err != nil {
		return identity{}, err
	}
	var id identity
	if err := json.Unmarshal(b, &id); err != nil {
		return identity{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
	}
	if want := id.sum(); id.CRC != want {
		return identity{}, fmt.Errorf("%w: %s: checksum %q, want %q", ErrCorrupt, name, id.CRC, want)
	}
	// The reader of JSON forgives (case of keys, blanks); damage must not hide there.
	if !bytes.Equal(b, id.encode()) {
		return identity{}, fmt.Errorf("%w: %s is not written as it was", ErrCorrupt, name)
	}
	if id.Version != 1 {
		return identity{}, fmt.Errorf("%w: %s: version = %d, want 1", ErrIdentity, name, id.Version)
	}
	return id, nil
}

// is compares the identity with what the configuration says.
func (id identity) is(cluster, node string) error {
	if id.Cluster != cluster || id.Node != node {
		return fmt.Errorf("%w: the directory is of cluster %q, node %q, want %q, %q", ErrIdentity, id.Cluster, id.Node, cluster, node)
	}
	return nil
}

// write makes the identity durable in dir under its name, whole or not at all.
func (id identity) write(dir string) error {
	temp := filepath.Join(dir, identityName+".tmp")
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(id.encode())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, identityName)); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ensureIdentity writes the identity if there is none, and compares it if there is.
func ensureIdentity(dir, cluster, node string) error {
	id, err := readIdentity(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{Version: 1, Cluster: cluster, Node: node, Generation: 1}.write(dir)
	}
	if err != nil {
		return err
	}
	return id.is(cluster, node)
}
