package main

import (
	"strings"
	"testing"
)

func TestAMistakeIsAnsweredWithWhereToLook(t *testing.T) {
	l := newLine(t)
	l.file("hub.yaml", "data: "+l.dir+"/data\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"init"}, "(see loa-hub init --help)"},
		{[]string{"user", "add", "--id", "soan"}, "(see loa-hub user add --help)"},
		{[]string{"unit", "lst"}, "(see loa-hub unit --help)"},
		{[]string{"nothing"}, "(see loa-hub --help)"},
		{[]string{"verify", "--root", "DIR/none"}, "there is no file or folder " + l.dir + "/none"},
		{[]string{"restore", "DIR/none"}, "there is no file or folder " + l.dir + "/none"},
		{[]string{"schedule", "timeline", "DIR/none"}, "there is no file or folder " + l.dir + "/none"},
		{[]string{"studio", "read", "DIR/none"}, "there is no file or folder " + l.dir + "/none"},
		{[]string{"unit", "list"}, "run loa-hub init"},
	} {
		if _, errOut := l.run(exitRefused, c.args...); !strings.Contains(errOut, c.want) {
			t.Errorf("%v: %q, want %q", c.args, errOut, c.want)
		}
	}
	if out, _ := l.run(exitDone, "version"); !strings.HasPrefix(out, "loa-hub ") {
		t.Errorf("version %q", out)
	}
}
