package failshut_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/cross"
)

// childVariable makes the test binary the product: a process of its own, for what takes signals or runs beside a client.
const childVariable = "FAILSHUT_TEST_CHILD"

func TestMain(m *testing.M) {
	switch kind := os.Getenv(childVariable); kind {
	case "": // the tests
	case "product":
		failshut.Main(failshut.Strategy("cross", cross.New))
	case "stubborn":
		failshut.Main(failshut.Strategy("cross", func() *stubborn { return &stubborn{Cross: *cross.New()} }))
	default:
		panic(childVariable + " is " + kind + ", want product or stubborn: the tests would run in themselves")
	}
	code := recordings.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintf(os.Stderr, "goroutines are left: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// stubborn is a cross that never comes back from being told to stop.
type stubborn struct{ cross.Cross }

// OnStop does not return.
func (*stubborn) OnStop(*strategy.Context, strategy.Stop) error { select {} }

// ran is what a command left behind.
type ran struct {
	code           int
	stdout, stderr string
}

func run(args ...string) ran {
	var out, err bytes.Buffer
	code := failshut.Run(args, &out, &err, failshut.Strategy("cross", cross.New))
	return ran{code, out.String(), err.String()}
}

func (r ran) String() string {
	return fmt.Sprintf("exit %d\nstdout: %.2000s\nstderr: %.2000s", r.code, r.stdout, r.stderr)
}

// child is a command of the kind of product named that runs as a process of its own.
func child(t *testing.T, kind string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childVariable+"="+kind)
	return cmd
}

// object reads a JSON answer and checks that it is one object, on one line, that begins with its schema.
func object(t *testing.T, text, schema string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("the answer is no JSON object: %v\n%.500s", err, text)
	}
	if want := `{"schema":"` + schema + `",`; !strings.HasPrefix(text, want) {
		t.Fatalf("the answer begins with %.60s, want %s", text, want)
	}
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "}\n") {
		t.Fatalf("the answer is not one line: %.200q", text)
	}
	return v
}
