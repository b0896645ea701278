package supervision

import (
	"errors"
	"fmt"
)

// What a call, or a start, may be told instead of yes.
var (
	ErrNotRunning     = errors.New("supervision: not running")           // the supervisor is not up, is stopping, or the tree goes down
	ErrAlreadyStarted = errors.New("supervision: already started")       // an incarnation of that name exists
	ErrAlreadyPresent = errors.New("supervision: already present")       // the name is in the list, and down
	ErrNameTaken      = errors.New("supervision: name taken")            // it belongs to another supervisor
	ErrBadSpec        = errors.New("supervision: bad spec")              // Name and field are in the answer
	ErrStartFailed    = errors.New("supervision: start failed")          // path and reason are in the answer
	ErrInterrupted    = errors.New("supervision: interrupted")           // a restart or a terminate came between
	ErrNotFound       = errors.New("supervision: not found")             // no such child
	ErrRunning        = errors.New("supervision: running")               // it has an incarnation
	ErrRestarting     = errors.New("supervision: restarting")            // it is about to have one
	ErrSimple         = errors.New("supervision: not for simple ones")   // a simple supervisor does not do that
	ErrBusy           = errors.New("supervision: too many calls wait")   // more than 1,024 of them
	ErrFault          = errors.New("supervision: no such fault here")    // a drill that the child cannot have
	ErrStalled        = errors.New("supervision: nothing left to drive") // a deterministic boot that waits for nobody
)

var answerErrors = map[string]error{
	"not_running": ErrNotRunning, "already_started": ErrAlreadyStarted, "already_present": ErrAlreadyPresent, "name_taken": ErrNameTaken,
	"bad_spec": ErrBadSpec, "start_failed": ErrStartFailed, "interrupted": ErrInterrupted, "not_found": ErrNotFound, "running": ErrRunning,
	"restarting": ErrRestarting, "simple_one_for_one": ErrSimple, "busy": ErrBusy,
}

// Err is nil for a yes, and otherwise matches one of the errors of this package.
func (a Answer) Err() error {
	if a.OK {
		return nil
	}
	err := answerErrors[a.Word]
	switch {
	case err == nil:
		return fmt.Errorf("supervision: %s", a.Word)
	case a.At != "":
		return fmt.Errorf("%w: %s: %s", err, a.At, a.Detail)
	}
	return err
}
