# bash completion for sluice(1): commands, options, the words of options that take some, files.
# The tests hold it against what --help prints.

_sluice_words() { # the words that the option before the cursor takes
    case "$1" in
    --operation) echo "CREATE UPDATE DELETE" ;;
    -o | --output) echo "text patch object review" ;;
    esac
}

_sluice_options() { # the options of a command
    case "$1" in
    review)
        echo "-p --policy -f --file -c --config --operation --old --namespace-labels --user" \
            "-o --output --check-idempotent -h --help"
        ;;
    webhook) echo "-c --config --check-config --print-config -h --help" ;;
    "certs issue") echo "--dns --out --days -h --help" ;;
    "certs check") echo "--dns -h --help" ;;
    *) echo "-h --help" ;;
    esac
}

_sluice() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} candidates
    COMPREPLY=()

    if [[ $COMP_CWORD -eq 1 ]]; then
        candidates="review webhook certs version help -h --help --version"
    elif [[ $command == help && $COMP_CWORD -eq 2 ]]; then
        candidates="review webhook certs version help -h --help"
    elif [[ ($command == certs && $COMP_CWORD -eq 2) ||
        ($command == help && $previous == certs) ]]; then
        candidates="issue check"
    else
        [[ $command == certs ]] && command="certs ${COMP_WORDS[2]}"
        # --output=pa comes as three words: --output = pa
        if [[ $current == "=" ]]; then
            current=""
        elif [[ $previous == "=" ]]; then
            previous=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        candidates=$(_sluice_words "$previous")
        if [[ -z $candidates ]]; then
            case "$previous" in
            -p | --policy | -f | --file | -c | --config | --old)
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                return
                ;;
            --out)
                mapfile -t COMPREPLY < <(compgen -d -- "$current")
                return
                ;;
            --namespace-labels | --user | --dns | --days) return ;;
            esac
            if [[ $command == "certs check" && $current != -* ]]; then
                mapfile -t COMPREPLY < <(compgen -d -- "$current")
                return
            fi
            candidates=$(_sluice_options "$command")
        fi
    fi
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}

complete -o filenames -F _sluice sluice
