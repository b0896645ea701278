package config

import "time"

// Supervision is how often what may fail, and how long an end may take.
type Supervision struct {
	Budget    Budget       `yaml:"budget" opt:""`
	Root      Intensity    `yaml:"root" opt:""`
	Groups    Groups       `yaml:"groups" opt:""`
	Watchdogs Timeouts     `yaml:"watchdogs" opt:""`
	Shutdown  Timeouts     `yaml:"shutdown" opt:""`
	Phases    StopPhases   `yaml:"phases" opt:""`
	Journal   DecisionKeys `yaml:"journal" opt:""`
	Recorder  int          `yaml:"recorder" opt:"" min:"0" max:"65536"`
}

// Budget bounds the restarts of the whole tree.
type Budget struct {
	Restarts int           `yaml:"restarts" min:"1"`
	Within   time.Duration `yaml:"within" above:"0s"`
}

// Intensity is how many restarts within a period a supervisor grants before it gives up.
type Intensity struct {
	Intensity int           `yaml:"intensity" min:"0"`
	Period    time.Duration `yaml:"period" above:"0s"`
}

// Group is a supervisor of the tree and the backoff of its children.
type Group struct {
	Intensity int           `yaml:"intensity" min:"0"`
	Period    time.Duration `yaml:"period" above:"0s"`
	Backoff   Backoff       `yaml:"backoff"`
}

// Backoff is full jitter from Base to Cap, from its beginning again after Reset of health.
type Backoff struct {
	Base  time.Duration `yaml:"base" above:"0s"`
	Cap   time.Duration `yaml:"cap" above:"0s"`
	Reset time.Duration `yaml:"reset" above:"0s"`
}

// Groups are the supervisors below the root.
type Groups struct {
	Venues     Intensity `yaml:"venues" opt:""`
	Account    Group     `yaml:"account" opt:""`
	Feeds      Intensity `yaml:"feeds" opt:""`
	Channel    Group     `yaml:"channel" opt:""`
	Strategies Intensity `yaml:"strategies" opt:""`
	Strategy   Group     `yaml:"strategy" opt:""`
	Risk       Group     `yaml:"risk" opt:""`
}

// Timeouts hold a duration for each kind of child.
type Timeouts struct {
	Control    time.Duration `yaml:"control" opt:"" above:"0s"`
	Journal    time.Duration `yaml:"journal" opt:"" above:"0s"`
	Cluster    time.Duration `yaml:"cluster" opt:"" above:"0s"`
	Risk       time.Duration `yaml:"risk" opt:"" above:"0s"`
	Session    time.Duration `yaml:"session" opt:"" above:"0s"`
	Orders     time.Duration `yaml:"orders" opt:"" above:"0s"`
	Reconciler time.Duration `yaml:"reconciler" opt:"" above:"0s"`
	Feed       time.Duration `yaml:"feed" opt:"" above:"0s"`
	Strategy   time.Duration `yaml:"strategy" opt:"" above:"0s"`
}

// StopPhases bound the phases of a coordinated stop.
type StopPhases struct {
	Trip      time.Duration `yaml:"trip" above:"0s"`
	CancelAll time.Duration `yaml:"cancel_all" above:"0s"`
	Confirm   time.Duration `yaml:"confirm" above:"0s"`
}

// DecisionKeys bound the journal of supervisors' decisions.
type DecisionKeys struct {
	Size  Size `yaml:"size" min:"64KiB"`
	Files int  `yaml:"files" min:"1"`
}
