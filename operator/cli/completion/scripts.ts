/** The last line of the answer says whether files are an answer too; descriptions stand behind a tab. */
const bash = `# kubectl-sysctl: source <(kubectl-sysctl completion bash)
_kubectl_sysctl() {
  local answer directive
  answer=$(kubectl-sysctl __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  directive=\${answer##*$'\\n'}
  mapfile -t COMPREPLY < <(printf '%s\\n' "$answer" | sed -e '$d' -e 's/\\t.*//')
  if [ "$directive" = ":0" ]; then
    compopt -o default 2>/dev/null
  fi
}
complete -F _kubectl_sysctl kubectl-sysctl
`;

const zsh = `#compdef kubectl-sysctl
# kubectl-sysctl: source <(kubectl-sysctl completion zsh)
_kubectl_sysctl() {
  local -a lines described
  local line
  lines=("\${(@f)$(kubectl-sysctl __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${(@)lines[1,-2]}"; do
    described+=("\${line/$'\\t'/:}")
  done
  _describe 'sysctl' described
  [ "\${lines[-1]}" = ":0" ] && _files
}
if [ "\${funcstack[1]}" = "_kubectl_sysctl" ]; then
  _kubectl_sysctl
else
  compdef _kubectl_sysctl kubectl-sysctl
fi
`;

const fish = `# kubectl-sysctl: kubectl-sysctl completion fish | source
function __kubectl_sysctl
    set -l words (commandline -opc) (commandline -ct)
    kubectl-sysctl __complete $words[2..-1] 2>/dev/null | string match -v -r '^:[0-9]+$'
end
function __kubectl_sysctl_files
    set -l words (commandline -opc) (commandline -ct)
    test (kubectl-sysctl __complete $words[2..-1] 2>/dev/null | tail -n 1) = :0
end
complete -c kubectl-sysctl -f -a '(__kubectl_sysctl)'
complete -c kubectl-sysctl -n __kubectl_sysctl_files -F
`;

export const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };
