# Completion of the pollshim command for bash.
_pollshim() {
  local word=${COMP_WORDS[COMP_CWORD]} subcommand=${COMP_WORDS[1]} i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W 'run check doctor top --version --help' -- "$word"))
    return
  fi
  case $subcommand in
  run)
    # Beyond the program everything is the program's own, and completed as for it.
    for ((i = 2; i < COMP_CWORD; i++)); do
      case ${COMP_WORDS[i]} in
      --) ((i++)); break ;;
      = | -*) ;;
      *) [[ ${COMP_WORDS[i - 1]} == = ]] || break ;;
      esac
    done
    if ((i < COMP_CWORD)); then
      if declare -F _command_offset >/dev/null; then _command_offset $i; else COMPREPLY=($(compgen -f -- "$word")); fi
      return
    fi
    local option=${COMP_WORDS[COMP_CWORD - 1]}
    [[ $word == = ]] && word=
    [[ $option == = ]] && option=${COMP_WORDS[COMP_CWORD - 2]}
    case $option in
    --backend) COMPREPLY=($(compgen -W 'epoll poll select' -- "$word")); return ;;
    --stats) if [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || ${COMP_WORDS[COMP_CWORD]} == = ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
        return
      fi ;;
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W '--backend= --stats --stats= --stall= --verbose --top --force --quiet --' -- "$word"))
      [[ ${COMPREPLY[0]:-} == *= && ${#COMPREPLY[@]} == 1 ]] && compopt -o nospace 2>/dev/null ;;
    *) COMPREPLY=($(compgen -c -- "$word")) ;;
    esac ;;
  check) COMPREPLY=($(compgen -c -- "$word") $(compgen -f -- "$word")) ;;
  top)
    local publishers
    publishers=$(pollshim top 2>/dev/null | while read -r pid _; do echo "$pid"; done)
    COMPREPLY=($(compgen -W "--once --interval= $publishers" -- "$word")) ;;
  esac
}
complete -F _pollshim pollshim
