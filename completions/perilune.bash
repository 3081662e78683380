# Completion of perilune's options for bash.
_perilune() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    case $previous in
        -e) return ;;
        -l) return ;;
        -j) COMPREPLY=($(compgen -W "off on" -- "$current")); return ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "-e -i -l -v -E -W -j --snippets --no-snippets --help --version -- -" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}
complete -o filenames -F _perilune perilune
